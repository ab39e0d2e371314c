#include "device/pipeline_cache.hpp"

#include "vknorm_kernels.h"

#include <cstring>

namespace vkn {

static constexpr uint32_t kMagic = 0x434E4B56u;  // "VKNC"

uint64_t hashBytes(const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    uint64_t hash = 0xCBF29CE484222325ull;
    for (size_t i = 0; i < size; ++i) {
        hash = (hash ^ bytes[i]) * 0x100000001B3ull;
    }
    return hash;
}

CacheHeader makeCacheHeader(const DeviceIdentity& identity, const void* data, uint64_t dataSize) {
    CacheHeader header;
    memset(&header, 0, sizeof header);  // padding too: headers are compared as bytes
    header.magic = kMagic;
    header.headerSize = sizeof(CacheHeader);
    header.libraryVersion = VKN_VERSION;
    header.vendorId = identity.properties.vendorID;
    header.deviceId = identity.properties.deviceID;
    header.driverVersion = identity.properties.driverVersion;
    header.driverId = identity.driverId;
    memcpy(header.cacheUuid, identity.properties.pipelineCacheUUID, VK_UUID_SIZE);
    header.pointerSize = sizeof(void*);
    header.kernelHash = vkn_kernelHash;
    header.dataSize = dataSize;
    header.dataHash = hashBytes(data, static_cast<size_t>(dataSize));
    return header;
}

bool findCacheData(const DeviceIdentity& identity, const void* blob, size_t blobSize, const void** data,
                   size_t* dataSize) {
    if (blob == nullptr || blobSize <= sizeof(CacheHeader)) {
        return false;
    }
    const auto* payload = static_cast<const uint8_t*>(blob) + sizeof(CacheHeader);
    const size_t payloadSize = blobSize - sizeof(CacheHeader);
    const CacheHeader expected = makeCacheHeader(identity, payload, payloadSize);
    if (memcmp(&expected, blob, sizeof expected) != 0) {
        return false;
    }
    *data = payload;
    *dataSize = payloadSize;
    return true;
}

}  // namespace vkn
