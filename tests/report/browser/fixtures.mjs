// Result files of devices that do not exist, with numbers made up to be easy to check.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const hostileName = '</script><script>window.hacked = 1; alert(1)</script><img src=x onerror="window.hacked = 2">';
const operations = ['rmsnorm', 'layernorm', 'prenorm-add'];
const allTypes = ['fp32', 'bf16'];
const allRows = [1, 32, 512, 8192];
const sizes = [64, 256, 1024, 4096, 16384, 65536];

const time = (seconds, isStable = true) => ({
  medianSeconds: seconds, lowSeconds: seconds * 0.97, highSeconds: seconds * 1.04, medianAbsoluteDeviationSeconds: seconds * 0.01,
  p95Seconds: seconds * 1.1, samples: 21, warmUpSamples: 6, isStable, dispatchesPerSubmit: 10, source: 'gpu-timestamps',
});

const run = (name, isSoftware, command, more = {}) => ({
  kind: 'run', schema: 1, tool: 'vknorm_compare', command, started: '2026-01-02T03:04:05Z',
  library: { version: '0.1.0', commit: 'abc', kernelHash: '0123456789abcdef' },
  device: {
    index: 0, name, type: isSoftware ? 'cpu' : 'discrete', isSoftware, vendorID: 1, deviceID: 2, uuid: '00', driverName: 'example', driverInfo: `of ${name.slice(0, 12)}`,
    driverVersion: 1, apiVersion: '1.3.0', subgroupSize: 32, hasComputeQueue: true, limits: { maxComputeWorkGroupInvocations: 1024, timestampPeriod: null },
    memoryHeaps: [{ bytes: 8 * 2 ** 30, isDeviceLocal: true }], enabled: ['subgroupSizeControl'], selfTest: 'passed', quirks: '', pushDescriptors: true, usableForms: ['subgroup', 'shared'],
    ...more,
  },
  settings: { cacheBytes: 33554432, cacheSource: 'assumed', memoryLimitBytes: 2 ** 31, secondsPerCase: 1, isQuick: false },
});

function bench(operation, types, rows, hiddenSize, { speed, nearCopy }) {
  const key = { kind: 'bench', operation, types, rows, hiddenSize };
  if (rows * hiddenSize > 2 ** 28) return { ...key, status: 'skipped', reason: 'needs 9 GiB, and 2 GiB are allowed' };
  const leastBytes = rows * hiddenSize * (types === 'fp32' ? 8 : 4) * (operation === 'prenorm-add' ? 2 : 1);
  const isCliff = operation === 'rmsnorm' && types === 'fp32' && rows === 512 && hiddenSize === 4096;
  const seconds = (2e-6 / speed + leastBytes / (400e9 * speed)) * (isCliff ? 8 : 1);
  const copySeconds = nearCopy * (1.5e-6 / speed + leastBytes / (400e9 * speed));
  const row = {
    ...key, status: 'ok', kernel: { form: 'subgroup', workgroupSize: 64, subgroupSize: 32, reason: `of ${hiddenSize} elements, in registers` },
    check: { rows: 64, elements: 1000, largestShareOfBound: 0.3 }, leastBytes, slots: 4, workingSetBytes: 4 * leastBytes,
    exceedsCache: leastBytes > 2 ** 16, timing: time(seconds, hiddenSize !== 1024),
    copy: { bytes: leastBytes, exceedsCache: leastBytes > 2 ** 16, compute: { ...time(copySeconds), shape: '64 x 32 looping' }, transfer: time(copySeconds * 1.2) },
    bytesPerSecond: leastBytes / seconds, shareOfCopy: copySeconds / seconds, shareOfComputeCopy: copySeconds / seconds,
  };
  if (rows <= 32) row.latency = time(seconds + 3e-6 / speed);
  if (operation === 'prenorm-add') {
    row.apart = { operations: ['add', 'rmsnorm'], status: 'ok', leastBytes: leastBytes * 1.25, timing: time(seconds * (1.3 + 0.1 * speed)), ratio: 1.3 + 0.1 * speed };
  }
  return row;
}

const end = { kind: 'end', isComplete: true, rows: {} };

// speed: of all it does, where 1 is 400 GB/s; nearCopy: the share of its copies that it reaches.
function measured(name, isSoftware, speed, nearCopy) {
  const rows = operations.flatMap((operation) => allTypes.flatMap((types) => allRows.flatMap((count) =>
    sizes.map((size) => bench(operation, types, count, size, { speed, nearCopy })))));
  const empty = { kind: 'empty-dispatch', timing: time(1e-6 / speed), latency: time(2.5e-6 / speed) };
  return [run(name, isSoftware, 'bench'), empty, ...rows, end];
}

function compiled(name) {
  const rows = Array.from({ length: 130 }, (_, i) => ({
    kind: 'static', variant: `RMSNorm none ${8 * i} flags 0 operands 1:fp32`, pipeline: i % 2, status: i === 7 ? 'unsupported' : 'ok',
    ...(i === 7 ? { reason: 'no 16-bit storage' } : {
      kernel: { form: 'subgroup', reason: 'it fits' },
      statistics: { spills: i === 9 ? 4 : 0, registers: 24 + i, instructions: 300 + i, occupancy: 16, driver: [{ name: 'VGPRs', value: 24 + i }] },
    }),
  }));
  return [run(name, false, 'pipelines'), ...rows, end];
}

// The files' paths, and their lines.
export function writeFixtures(folder) {
  const files = {
    'a.jsonl': measured('Example GPU A', false, 1, 0.8), 'b.jsonl': measured('Example GPU B', false, 0.1, 0.9),
    'hostile.jsonl': measured(hostileName, false, 0.3, 0.7), 'software.jsonl': measured('Example software', true, 0.002, 0.3),
    'static.jsonl': compiled('Example GPU C'),
  };
  return Object.fromEntries(Object.entries(files).map(([name, lines]) => {
    const path = join(folder, name);
    writeFileSync(path, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
    return [name, { path, lines }];
  }));
}
