// The filters of all charts.
import { byId, el } from './dom.js';
import { Choice, Switch } from './filters.js';
import { devices, isMeasured, measured, valuesOf } from './report.js';
import { drawnAs, nameOf } from './theme.js';

const form = byId('filters');
const listeners = [];
const tell = () => listeners.forEach((listener) => listener());
const hidden = new Set();

form.addEventListener('submit', (event) => event.preventDefault());
export const operation = new Choice(form, 'operation', 'Operation', valuesOf(measured, 'operation'), tell);
export const types = new Choice(form, 'types', 'Type', valuesOf(measured, 'types'), tell);
export const metric = new Choice(form, 'metric', 'Throughput as', ['rate', 'share'], tell, {
  texts: (value) => (value === 'rate' ? 'GB/s' : 'share of own copy'),
});
export const isLogarithmic = new Switch(form, 'logarithmic', 'Logarithmic axes', true, tell);

const chips = el('div', { className: 'chips', role: 'group', ariaLabel: 'Devices in the charts' });
for (const device of devices.filter(isMeasured)) {
  const swatch = el('span', { className: 'swatch' });
  const paint = () => {
    swatch.style.borderColor = drawnAs(device.index).colour;
    swatch.style.borderStyle = device.device.isSoftware ? 'dashed' : 'solid';
  };
  paint();
  const chip = el('button', { type: 'button', className: 'chip', ariaPressed: 'true' }, swatch, nameOf(device));
  chip.addEventListener('click', () => {
    const isShown = hidden.has(device.index);
    isShown ? hidden.delete(device.index) : hidden.add(device.index);
    chip.setAttribute('aria-pressed', String(isShown));
    tell();
  });
  chip.repaint = paint;
  chips.append(chip);
}
form.after(chips);

export const isShown = (index) => !hidden.has(index);
export const shownDevices = () => devices.filter((device) => isMeasured(device) && isShown(device.index));
export const onChange = (listener) => listeners.push(listener);
export function repaint() {
  for (const chip of chips.children) chip.repaint();
  tell();
}
