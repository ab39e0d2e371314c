// Lines over sizes: throughput and latency.
import { Figure, sizeAxis, valueAxis } from './charts.js';
import { byId } from './dom.js';
import { Choice } from './filters.js';
import * as format from './format.js';
import { devices, measured, numbersOf } from './report.js';
import * as state from './state.js';
import { colour, drawnAs, nameOf } from './theme.js';

// Marks that say something of the copy, or of bytes a second: nothing of times.
const ofCopies = ['in cache', 'unsteady copy', 'above copy'];
export const hasMarks = (row) => row.marks !== null;
export const hasMarksOfTime = (row) => row.marks !== null && row.marks.split('; ').some((mark) => !ofCopies.includes(mark));

// What is said of a row when it is pointed at.
export function linesOf(row) {
  const lines = [
    nameOf(devices[row.device]),
    `${row.operation} ${row.types} ${row.rows}x${row.hiddenSize}`,
    `${format.rate(row.bytesPerSecond)}, ${format.share(row.shareOfCopy) || 'unknown share'} of own copy`,
    `${format.seconds(row.seconds)} (${format.interval(row.lowSeconds, row.highSeconds, format.seconds)})`,
  ];
  if (row.latencySeconds !== null) {
    const noise = format.interval(row.latencyLowSeconds, row.latencyHighSeconds, format.seconds);
    lines.push(`latency ${format.seconds(row.latencySeconds)} (${noise})`);
  }
  if (row.apartRatio !== null) lines.push(`${row.apartOperations}: ${format.ratio(row.apartRatio)} times as long`);
  if (row.marks !== null) lines.push(`marked: ${row.marks}`);
  if (row.kernelReason) lines.push(row.kernelReason);
  return lines;
}

const throughput = {
  isDoubtful: hasMarks,
  title: () => (state.metric.value === 'rate' ? 'GB/s' : 'share of own copy'),
  format: (value) => (state.metric.value === 'rate' ? String(Number(value.toPrecision(6))) : format.share(value)),
  point(row) {
    const value = state.metric.value === 'rate' ? 1e-9 * row.bytesPerSecond : row.shareOfCopy;
    if (!value) return null;
    const at = (seconds) => (seconds ? (value * row.seconds) / seconds : null);
    return { value, low: at(row.highSeconds), high: at(row.lowSeconds) };
  },
};

const latency = {
  isDoubtful: hasMarksOfTime,
  title: () => 'latency',
  format: format.shortSeconds,
  point: (row) => (row.latencySeconds === null ? null
    : { value: row.latencySeconds, low: row.latencyLowSeconds, high: row.latencyHighSeconds }),
  reference: (device) => device.emptyLatencySeconds,
};

function datasetOf(device, rows, over, quantity) {
  const look = drawnAs(device.index);
  const points = rows
    .map((row) => ({ row, ...quantity.point(row), x: row[over] }))
    .filter((point) => point.value !== undefined)
    .sort((a, b) => a.x - b.x);
  return {
    label: nameOf(device),
    data: points.map(({ row, x, value, low, high }) => ({ x, y: value, low, high, row, lines: linesOf(row) })),
    borderColor: look.colour,
    borderDash: look.dash,
    borderWidth: 2,
    pointStyle: look.shape,
    pointRadius: points.map(({ row }) => (quantity.isDoubtful(row) ? 5 : 4)),
    pointBackgroundColor: points.map(({ row }) => (quantity.isDoubtful(row) ? colour('page') : look.colour)),
    pointBorderWidth: 2,
    hitRadius: 12,
  };
}

function referenceOf(device, value, sizes) {
  return {
    label: nameOf(device),
    isReference: true,
    data: [sizes[0] / 1.3, sizes.at(-1) * 1.3].map((x) => ({ x, y: value })),
    borderColor: drawnAs(device.index).colour,
    borderWidth: 1,
    borderDash: [1, 3],
    pointRadius: 0,
    hitRadius: 0,
  };
}

function rangeOf(...sets) {
  const values = sets.flat().flatMap((set) => set.data.map((point) => point.y));
  return [Math.min(...values), Math.max(...values)];
}

// A chart of `quantity` over the column `over`, of rows that have one value of the column `fixed`.
function addCurves(id, over, fixed, fixedLabel, axisTitle, quantity) {
  const section = byId(id);
  const form = section.querySelector('form');
  const chosen = () => measured.filter((row) => row.operation === state.operation.value && row.types === state.types.value
    && quantity.point(row) !== null);
  // The value of which there is the most to see; of those, the largest.
  const best = (rows) => {
    const sizes = (value) => new Set(rows.filter((row) => row[fixed] === value).map((row) => row[over])).size;
    return numbersOf(rows, fixed).reduce((most, value) => (most === undefined || sizes(value) >= sizes(most) ? value : most), undefined);
  };
  const figure = new Figure(section, () => {
    const rows = chosen().filter((row) => row[fixed] === choice.value && state.isShown(row.device));
    if (rows.length === 0) {
      return { empty: `Nothing of ${state.operation.value} ${state.types.value} is there of the devices that are chosen.` };
    }
    const sizes = numbersOf(rows, over);
    const isLogarithmic = state.isLogarithmic.isOn;
    const shown = state.shownDevices();
    const datasets = shown.map((device) => datasetOf(device, rows.filter((row) => row.device === device.index), over, quantity));
    const references = shown.filter((device) => quantity.reference?.(device))
      .map((device) => referenceOf(device, quantity.reference(device), sizes));
    return {
      type: 'line',
      data: { datasets: [...datasets, ...references] },
      scales: {
        x: sizeAxis(axisTitle, sizes, isLogarithmic),
        y: valueAxis(`${quantity.title()} of ${state.operation.value}, ${state.types.value}`, isLogarithmic, quantity.format, rangeOf(datasets, references)),
      },
    };
  });
  const choice = new Choice(form, fixed, fixedLabel, numbersOf(chosen(), fixed), () => figure.draw(), { initial: best(chosen()) });
  const update = () => {
    const rows = chosen();
    choice.setValues(numbersOf(rows, fixed), best(rows));
    figure.draw();
  };
  state.onChange(update);
  update();
}

export function addAllCurves() {
  addCurves('size', 'hiddenSize', 'rows', 'Rows', 'hidden size', throughput);
  addCurves('rows', 'rows', 'hiddenSize', 'Hidden size', 'rows', throughput);
  addCurves('latency', 'hiddenSize', 'rows', 'Rows', 'hidden size', latency);
}
