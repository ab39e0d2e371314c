// The library's pipeline-cache blob: the driver's data behind a header of our own. Drivers have crashed on data that was not
// theirs, so anything that does not match to the bit is a miss.
#pragma once

#include "device/capabilities.hpp"

namespace vkn {

struct CacheHeader {
    uint32_t magic;
    uint32_t headerSize;
    uint32_t libraryVersion;
    uint32_t vendorId;
    uint32_t deviceId;
    uint32_t driverVersion;
    uint32_t driverId;
    uint8_t cacheUuid[VK_UUID_SIZE];
    uint32_t pointerSize;
    uint64_t kernelHash;
    uint64_t dataSize;
    uint64_t dataHash;
};

CacheHeader makeCacheHeader(const DeviceIdentity& identity, const void* data, uint64_t dataSize);

// The driver's part of a blob, or false for a miss.
bool findCacheData(const DeviceIdentity& identity, const void* blob, size_t blobSize, const void** data,
                   size_t* dataSize);

// FNV-1a, 64 bits.
uint64_t hashBytes(const void* data, size_t size);

}  // namespace vkn
