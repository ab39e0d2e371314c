// The tables of all rows, measured and compiled.
import { byId, el } from './dom.js';
import { Choice, Switch } from './filters.js';
import * as format from './format.js';
import { caseColumns, cases, devices, markTexts, pipelineColumns, pipelines, valuesOf } from './report.js';
import { SortableTable } from './tables.js';
import { nameOf } from './theme.js';

const all = 'all';
const withAll = (values) => [all, ...values];
const fits = (choice, value) => choice.value === all || choice.value === value;

const text = (name, title) => ({ title, show: (row) => row[name] ?? '', value: (row) => row[name] });
const number = (name, title, show = format.plain) => ({ title, isNumber: true, show: (row) => show(row[name]), value: (row) => row[name] });
const device = { title: 'device', className: 'device', show: (row) => nameOf(devices[row.device]), value: (row) => nameOf(devices[row.device]) };

function marksOf(row) {
  if (row.marks === null) return '';
  return el('span', {}, ...row.marks.split('; ').map((mark) => el('span', { className: 'mark', title: markTexts[mark] ?? '' }, mark)));
}

function deviceChoice(form, rows, update) {
  const indices = valuesOf(rows, 'device');
  return new Choice(form, 'device', 'Device', withAll(indices), update, { texts: (value) => (value === all ? all : nameOf(devices[value])) });
}

export function addCases() {
  const section = byId('table');
  const form = section.querySelector('form');
  form.addEventListener('submit', (event) => event.preventDefault());
  const columns = [
    device, text('operation', 'operation'), text('types', 'type'), number('rows', 'rows'), number('hiddenSize', 'hidden size'),
    number('seconds', 'time', format.seconds),
    { title: '95 % of medians', isNumber: true, value: (row) => row.lowSeconds,
      show: (row) => (row.seconds === null ? '' : format.interval(row.lowSeconds, row.highSeconds, format.seconds)) },
    number('bytesPerSecond', 'GB/s', (value) => format.rate(value).replace(' GB/s', '')),
    number('shareOfCopy', 'of copy', format.share), number('shareOfComputeCopy', 'of compute copy', format.share),
    number('latencySeconds', 'latency', format.seconds), number('apartRatio', 'apart', format.ratio),
    { title: 'marks', show: marksOf, value: (row) => row.marks },
    { title: 'kernel', className: 'long', value: (row) => row.form ?? row.status,
      show: (row) => (row.status === 'ok' ? `${row.form ?? ''} ${row.workgroupSize ?? ''}: ${row.kernelReason ?? ''}` : `${row.status}: ${row.reason ?? ''}`) },
  ];
  const update = () => {
    const rows = cases.filter((row) => fits(choices.device, row.device) && fits(choices.operation, row.operation) && fits(choices.types, row.types)
      && fits(choices.status, row.status) && (!onlyMarked.isOn || row.marks !== null));
    table.setRows(rows, cases.length);
  };
  const choices = {
    device: deviceChoice(form, cases, () => update()),
    operation: new Choice(form, 'operation', 'Operation', withAll(valuesOf(cases, 'operation')), () => update()),
    types: new Choice(form, 'types', 'Type', withAll(valuesOf(cases, 'types')), () => update()),
    status: new Choice(form, 'status', 'Status', withAll(valuesOf(cases, 'status')), () => update()),
  };
  const onlyMarked = new Switch(form, 'marked', 'Only marked rows', false, () => update());
  const table = new SortableTable(section.querySelector('.table'), columns, caseColumns, 'vknorm-report.csv');
  section.append(el('details', {}, el('summary', {}, 'What the marks mean'),
    el('dl', {}, ...Object.entries(markTexts).flatMap(([name, meaning]) => [el('dt', {}, name), el('dd', {}, meaning)]))));
  update();
}

function addPipelineSummary() {
  const titles = ['device', 'driver', 'compiled', 'unsupported', 'failed', 'spilled', 'most registers', 'least occupancy'];
  const rows = devices.filter((each) => each.pipelines).map((each) => {
    const { counts, spilled, mostRegisters, leastOccupancy } = each.pipelines;
    const { driverName, driverInfo } = each.device;
    return [nameOf(each), `${driverName} ${driverInfo}`, counts.ok, counts.unsupported, counts.failed, spilled, format.plain(mostRegisters), format.plain(leastOccupancy)];
  });
  byId('static-summary').append(el('table', {}, el('thead', {}, el('tr', {}, ...titles.map((title, i) => el('th', { scope: 'col', className: i > 1 ? 'number' : '' }, title)))),
    el('tbody', {}, ...rows.map((cells) => el('tr', {}, ...cells.map((cell, i) => el('td', { className: i > 1 ? 'number' : '' }, String(cell))))))));
}

export function addPipelines() {
  const section = byId('static');
  if (pipelines.length === 0) {
    section.hidden = true;
    return;
  }
  addPipelineSummary();
  const form = section.querySelector('form');
  form.addEventListener('submit', (event) => event.preventDefault());
  const columns = [
    device, { ...text('variant', 'variant'), className: 'long' }, number('pipeline', 'pipeline'), text('status', 'status'), text('form', 'form'),
    number('registers', 'registers'), { ...text('driverRegisters', 'as the driver counts'), className: 'long' }, number('spills', 'spills'), number('occupancy', 'occupancy'),
    number('instructions', 'instructions'), { ...text('reason', 'reason'), className: 'long' },
  ];
  const update = () => {
    const rows = pipelines.filter((row) => fits(choices.device, row.device) && fits(choices.status, row.status) && (!onlySpilled.isOn || row.spills > 0));
    table.setRows(rows, pipelines.length);
  };
  const choices = {
    device: deviceChoice(form, pipelines, () => update()),
    status: new Choice(form, 'status', 'Status', withAll(valuesOf(pipelines, 'status')), () => update()),
  };
  const onlySpilled = new Switch(form, 'spilled', 'Only those that spill', false, () => update());
  const table = new SortableTable(section.querySelector('.table'), columns, pipelineColumns, 'vknorm-pipelines.csv');
  update();
}
