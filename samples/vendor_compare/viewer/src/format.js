// Numbers for people, in the units that fit.
const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

export function seconds(value) {
  if (value === null) return '';
  if (value < 1e-3) return `${digits(1e6 * value)} \u00b5s`;
  return value < 1 ? `${digits(1e3 * value)} ms` : `${digits(value)} s`;
}

// Of round values, on axes.
export function shortSeconds(value) {
  const [number, unit] = seconds(value).split(' ');
  return `${Number(number)} ${unit}`;
}

export const rate = (value) => (value === null ? '' : `${digits(1e-9 * value)} GB/s`);

export function share(value) {
  if (value === null) return '';
  return `${value === 0 || 100 * value >= 9.95 ? (100 * value).toFixed(0) : (100 * value).toFixed(1)} %`;
}

export const ratio = (value) => (value === null ? '' : value.toFixed(2));

export function bytes(value) {
  if (value === null) return '';
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; ++unit) value /= 1024;
  return `${Number(value.toFixed(value < 10 && unit > 0 ? 1 : 0))} ${units[unit]}`;
}

export const plain = (value) => (value === null ? '' : String(value));

// Of a median, where it may be as well.
export function interval(low, high, format) {
  return low === null || high === null ? 'unknown: too few samples' : `${format(low)} to ${format(high)}`;
}
