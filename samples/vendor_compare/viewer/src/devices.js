// Who took part: what devices are, what they can, what was left out on them and why.
import { byId, el } from './dom.js';
import * as format from './format.js';
import { devices, isMeasured, notes, rankedCases, shares } from './report.js';
import { nameOf } from './theme.js';

const shareOf = (device) => shares.find((share) => share.device === device.index && share.operation === '' && share.types === '');

function rankOf(device) {
  if (device.device.isSoftware) return 'software: not ranked';
  if (!isMeasured(device)) return 'not measured';
  return device.rank === null ? '' : String(device.rank);
}

function memoryOf({ device, settings }) {
  const heaps = device.memoryHeaps.map((heap) => `${format.bytes(heap.bytes)}${heap.isDeviceLocal ? ' of the device' : ' of the host'}`);
  if (heaps.length > 0) return heaps.join(', ');
  return settings.memoryLimitBytes ? `not recorded; a case may take ${format.bytes(settings.memoryLimitBytes)}` : 'not recorded';
}

function addTable() {
  const titles = ['device', 'driver', 'subgroup', 'own copy', 'of own copy', 'rank', 'measured', 'left out'];
  const rows = devices.map((device) => {
    const { driverName, driverInfo, subgroupSize } = device.device;
    const counts = device.counts;
    const left = Object.values(counts).reduce((sum, count) => sum + count, 0) - counts.ok;
    const share = shareOf(device);
    return [nameOf(device), `${driverName} ${driverInfo}`, format.plain(subgroupSize), format.rate(device.copyBytesPerSecond),
      share ? format.share(share.median) : '', rankOf(device), isMeasured(device) ? counts.ok : '', isMeasured(device) ? left : ''];
  });
  byId('device-table').append(el('table', {}, el('thead', {}, el('tr', {}, ...titles.map((title) => el('th', { scope: 'col' }, title)))),
    el('tbody', {}, ...rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, String(cell))))))));
  byId('device-table').after(el('p', { className: 'hint' }, rankedCases > 0
    ? `Ranked by the median share of their own copies over the ${rankedCases} prefill cases that all GPUs have.`
    : 'Ranks are given where at least two GPUs have prefill cases in common.'));
}

function facts(device) {
  const { device: of, library, settings } = device;
  const limits = Object.entries(of.limits).map(([name, value]) => el('li', {}, `${name}: `, value === null ? 'unknown' : String(value)));
  const reasons = [...device.reasons, ...(device.pipelines?.reasons ?? [])]
    .map(({ status, reason, count }) => el('li', {}, `${count} ${status}: ${reason}`));
  const list = (items) => (items.length > 0 ? el('ul', {}, ...items) : 'none');
  const verified = device.verified.ok > 0 ? `${device.verified.ok} cases by verify` : '';
  return [
    ['driver', `${of.driverName} ${of.driverInfo}`],
    ['Vulkan', of.apiVersion],
    ['kind', of.isSoftware ? 'a software driver, not a GPU' : of.type],
    ['subgroup size', format.plain(of.subgroupSize)],
    ['memory', memoryOf(device)],
    ['reductions', of.usableForms.join(', ')],
    ['self-test', of.selfTest],
    ['known faults', of.quirks || 'none'],
    ['verified', verified],
    ['cache', settings.cacheBytes ? `${format.bytes(settings.cacheBytes)} (${settings.cacheSource})` : ''],
    ['empty dispatch', device.emptyDispatchSeconds === null ? '' : `${format.seconds(device.emptyDispatchSeconds)}; ${format.seconds(device.emptyLatencySeconds)} where each waits`],
    ['left out', list(reasons)],
    ['enabled', of.enabled.join(', ')],
    ['limits', limits.length > 0 ? list(limits) : ''],
    ['library', library.version ? `${library.version}, commit ${library.commit}, kernels ${library.kernelHash}` : ''],
    ['started', device.started],
    ['files', device.files.join(', ')],
  ].filter(([, value]) => value !== '');
}

export function addDevices() {
  byId('title').textContent = devices.length === 1 ? 'one device' : `${devices.length} devices`;
  byId('notes').append(...notes.map((note) => el('p', { className: 'note' }, note)));
  addTable();
  byId('device-cards').append(...devices.map((device) => el('details', { className: 'card' }, el('summary', {}, nameOf(device)),
    el('dl', {}, ...facts(device).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])))));
}
