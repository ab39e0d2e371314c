// The same fields in the same order as those of `vknorm_compare report -o x.csv`.
import { el } from './dom.js';
import { devices } from './report.js';

function field(value) {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const text = /^[=+\-@]/.test(value) ? `'${value}` : value; // a spreadsheet would take it for a formula
  return /[,"\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function toCsv(columns, rows) {
  const names = columns.filter((name) => name !== 'device');
  const lines = [['device', 'driver', 'isSoftware', ...names].join(',')];
  for (const row of rows) {
    const { label, device } = devices[row.device];
    const driver = device.driverName + (device.driverInfo ? ` ${device.driverInfo}` : '');
    lines.push([label, driver, device.isSoftware, ...names.map((name) => row[name])].map(field).join(','));
  }
  return `${lines.join('\r\n')}\r\n`;
}

export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = el('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
