// Bars: the share of copies by operation, and fused against apart.
import { categoryAxis, Figure, tickAxis, valueAxis } from './charts.js';
import { hasMarksOfTime, linesOf } from './curves.js';
import { byId } from './dom.js';
import { Choice } from './filters.js';
import * as format from './format.js';
import { measured, numbersOf, shares, valuesOf } from './report.js';
import * as state from './state.js';
import { colour, drawnAs, nameOf } from './theme.js';

const allOperations = 'all operations';

// Bars as thick as fingers need, and not more.
const heightOf = (categories, devices) => 90 + 26 * devices + categories * (14 + 15 * devices);

function datasetOf(device, data, isMarked = () => false) {
  const look = drawnAs(device.index);
  return {
    label: nameOf(device),
    data,
    backgroundColor: data.map((point) => (isMarked(point) ? colour('page') : device.device.isSoftware ? `${look.colour}66` : look.colour)),
    borderColor: look.colour,
    borderWidth: 1.5,
    pointStyle: look.shape,
    minBarLength: 2,
  };
}

function shareLines(device, share) {
  return [
    nameOf(device),
    `${share.operation || allOperations}, ${share.types || 'all types'}`,
    `median ${format.share(share.median)} of own copy, of ${share.count} cases`,
    `from ${format.share(share.least)} to ${format.share(share.most)}`,
  ];
}

export function addShares() {
  const figure = new Figure(byId('share'), () => {
    const devices = state.shownDevices();
    const ofType = shares.filter((share) => share.types === state.types.value && state.isShown(share.device));
    const operations = valuesOf(measured, 'operation').filter((name) => ofType.some((share) => share.operation === name));
    if (operations.length === 0) {
      return { empty: `No prefill shapes of ${state.types.value ?? 'any type'} that exceed the cache are there of the devices that are chosen.` };
    }
    const names = ['', ...operations];
    const datasets = devices.map((device) => datasetOf(device, names.flatMap((name) => {
      const share = ofType.find((each) => each.device === device.index && each.operation === name);
      return share ? [{ x: share.median, y: name || allOperations, low: share.least, high: share.most, lines: shareLines(device, share) }] : [];
    })));
    const largest = Math.max(1, ...ofType.map((share) => share.most));
    const x = { ...valueAxis(`share of own copy, ${state.types.value}`, false, format.share), max: largest * 1.02 };
    const step = largest > 2.5 ? 1 : 0.2;
    tickAxis(x, Array.from({ length: 1 + Math.floor(Math.min(largest, 20) / step) }, (_, i) => Number((i * step).toFixed(1))), 1);
    return {
      type: 'bar',
      indexAxis: 'y',
      data: { labels: names.map((name) => name || allOperations), datasets },
      scales: { x, y: categoryAxis() },
      height: heightOf(names.length, devices.length),
    };
  });
  state.onChange(() => figure.draw());
  figure.draw();
}

export function addApart() {
  const section = byId('apart');
  const fused = measured.filter((row) => row.apartRatio !== null && row.apartRatio > 0);
  if (fused.length === 0) {
    section.hidden = true;
    return;
  }
  const figure = new Figure(section, () => {
    const devices = state.shownDevices();
    const rows = fused.filter((row) => row.operation === operation.value && row.types === state.types.value
      && (count.value === 'all' || row.rows === count.value) && state.isShown(row.device));
    if (rows.length === 0) {
      return { empty: `Nothing of ${operation.value} ${state.types.value} is there of the devices that are chosen.` };
    }
    rows.sort((a, b) => a.rows - b.rows || a.hiddenSize - b.hiddenSize);
    const shapeOf = (row) => `${row.rows}x${row.hiddenSize}`;
    const labels = [...new Set(rows.map(shapeOf))];
    const datasets = devices.map((device) => ({
      ...datasetOf(device, rows.filter((row) => row.device === device.index)
        .map((row) => ({ x: row.apartRatio, y: shapeOf(row), row, lines: linesOf(row) })), (point) => hasMarksOfTime(point.row)),
      base: 1,
    }));
    const isLogarithmic = state.isLogarithmic.isOn;
    const ratios = rows.map((row) => row.apartRatio);
    const x = { ...valueAxis('times as long apart', isLogarithmic, (value) => String(Number(value.toPrecision(3)))) };
    x.min = Math.min(isLogarithmic ? 0.8 : 0, Math.min(...ratios) / 1.1);
    x.max = Math.max(1.3, Math.max(...ratios) * 1.1);
    tickAxis(x, [0.1, 0.2, 0.5, 0.8, 1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100], 1);
    x.ticks.callback = String;
    return {
      type: 'bar',
      indexAxis: 'y',
      data: { labels, datasets },
      scales: { x, y: categoryAxis() },
      height: heightOf(labels.length, devices.length),
    };
  });
  const form = section.querySelector('form');
  const operation = new Choice(form, 'fused', 'Fused operation', valuesOf(fused, 'operation'), () => figure.draw());
  const count = new Choice(form, 'rows', 'Rows', ['all', ...numbersOf(fused, 'rows')], () => figure.draw(), {
    initial: fused.length > 200 ? numbersOf(fused, 'rows').at(-1) : 'all',
  });
  state.onChange(() => figure.draw());
  figure.draw();
}
