// What all charts have in common: axes, intervals, the tooltip, and that they follow the theme.
import {
  BarController, BarElement, CategoryScale, Chart, LinearScale, LineController, LineElement, LogarithmicScale, PointElement, Tooltip,
} from 'chart.js';

import { byId, el } from './dom.js';
import { colour, glyphs } from './theme.js';

Chart.register(BarController, BarElement, CategoryScale, LinearScale, LineController, LineElement, LogarithmicScale,
  PointElement, Tooltip);

// Where each value may be as well: a line from raw.low to raw.high.
const intervals = {
  id: 'intervals',
  afterDatasetsDraw(chart) {
    const { ctx, chartArea } = chart;
    const isAcross = chart.options.indexAxis === 'y';
    const scale = chart.scales[isAcross ? 'x' : 'y'];
    ctx.save();
    ctx.beginPath();
    ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
    ctx.clip();
    chart.data.datasets.forEach((dataset, i) => {
      if (!chart.isDatasetVisible(i) || dataset.isReference) return;
      // On bars it has edges, so that it is seen on light and dark ones.
      const strokes = isAcross ? [[colour('page'), 3], [colour('text'), 1]] : [[dataset.borderColor, 1]];
      chart.getDatasetMeta(i).data.forEach((element, j) => {
        const { low, high } = dataset.data[j];
        if (typeof low !== 'number' || typeof high !== 'number') return;
        const [from, to] = [scale.getPixelForValue(low), scale.getPixelForValue(high)];
        ctx.beginPath();
        ctx.moveTo(isAcross ? from : element.x, isAcross ? element.y : from);
        ctx.lineTo(isAcross ? to : element.x, isAcross ? element.y : to);
        for ([ctx.strokeStyle, ctx.lineWidth] of strokes) ctx.stroke();
      });
    });
    ctx.restore();
  },
};
Chart.register(intervals);

// An element of the page, so that it is as large as what it says, and is read aloud.
function showTooltip({ chart, tooltip }) {
  const box = byId('tooltip');
  const points = tooltip.opacity === 0 ? [] : tooltip.dataPoints.filter((point) => point.raw.lines);
  box.hidden = points.length === 0;
  if (box.hidden) return;
  box.replaceChildren(...points.slice(0, 6).map((point) =>
    el('div', { className: 'point' }, ...point.raw.lines.map((line, i) => el(i === 0 ? 'strong' : 'div', {}, line)))));
  const canvas = chart.canvas.getBoundingClientRect();
  const [x, y] = [canvas.left + tooltip.caretX, canvas.top + tooltip.caretY];
  const [width, height] = [box.offsetWidth, box.offsetHeight];
  const room = document.documentElement.clientWidth;
  box.style.left = `${Math.max(4, Math.min(x + 14, room - width - 4)) + scrollX}px`;
  box.style.top = `${(y + 14 + height > innerHeight ? Math.max(4, y - 14 - height) : y + 14) + scrollY}px`;
}

// Ticks where there are values, as long as they do not crowd.
function ticksAt(values, isLogarithmic) {
  return (axis) => {
    const place = isLogarithmic ? Math.log : Number;
    const span = place(values.at(-1)) - place(values[0]) || 1;
    const apart = (span * (axis.isHorizontal() ? 52 : 22)) / Math.max(60, axis.isHorizontal() ? axis.width : axis.height);
    const kept = [];
    for (const value of values) {
      if (kept.length === 0 || place(value) - place(kept.at(-1)) >= apart) kept.push(value);
    }
    axis.ticks = kept.map((value) => ({ value, label: String(value) }));
  };
}

function axis(title, isLogarithmic) {
  return {
    type: isLogarithmic ? 'logarithmic' : 'linear',
    title: { display: true, text: title, color: colour('text') },
    grid: { color: colour('grid') },
    border: { color: colour('line') },
    ticks: { color: colour('muted') },
  };
}

// Of measured values; `format` makes labels, of those that are not in between on a logarithmic axis. `range` are the least and
// the largest, so that neither is drawn on the edge.
export function valueAxis(title, isLogarithmic, format, range) {
  const result = axis(title, isLogarithmic);
  if (!isLogarithmic) result.beginAtZero = true;
  else if (range) [result.min, result.max] = [range[0] / 1.5, range[1] * 1.5];
  result.ticks.callback = (value) => {
    const mantissa = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
    return isLogarithmic && ![1, 2, 5].some((each) => Math.abs(mantissa - each) < 1e-6) ? '' : format(value);
  };
  return result;
}

// Of sizes, which are few and known.
export function sizeAxis(title, values, isLogarithmic) {
  const result = axis(title, isLogarithmic);
  result.afterBuildTicks = ticksAt(values, isLogarithmic);
  result.ticks.callback = (value) => value;
  result.ticks.autoSkip = false;
  result.ticks.maxRotation = 0;
  result.min = isLogarithmic ? values[0] / 1.3 : Math.min(0, values[0]);
  result.max = isLogarithmic ? values.at(-1) * 1.3 : values.at(-1) * 1.05;
  return result;
}

// Ticks at these values, of which `strong` is a line to be seen.
export function tickAxis(result, values, strong) {
  result.grid.color = (context) => colour(context.tick?.value === strong ? 'muted' : 'grid');
  result.afterBuildTicks = (built) => {
    built.ticks = values.filter((value) => value >= built.min && value <= built.max).map((value) => ({ value }));
  };
  return result;
}

export function categoryAxis() {
  const result = axis('', false);
  return {
    ...result, type: 'category', title: { display: false }, grid: { display: false },
    ticks: { ...result.ticks, color: colour('text'), autoSkip: false },
  };
}

// Of elements, because the names of drivers are long.
function legendOf(dataset) {
  const glyph = el('span', { ariaHidden: 'true' }, glyphs[dataset.pointStyle]);
  glyph.style.color = dataset.borderColor;
  return el('li', {}, glyph, ` ${dataset.label}`);
}

// A chart in a section, made anew whenever what it shows changes: `describe` says what, or why there is nothing.
export class Figure {
  constructor(section, describe) {
    this.box = section.querySelector('.chart');
    this.canvas = this.box.querySelector('canvas');
    this.empty = el('p', { className: 'empty' });
    this.legend = el('ul', { className: 'legend' });
    const figure = el('div', { className: 'figure' });
    this.box.replaceWith(figure);
    figure.append(this.box, this.legend, this.empty);
    this.describe = describe;
  }

  draw() {
    this.chart?.destroy();
    this.chart = undefined;
    byId('tooltip').hidden = true;
    const what = this.describe();
    this.box.hidden = Boolean(what.empty);
    this.empty.textContent = what.empty ?? '';
    this.empty.hidden = !what.empty;
    this.legend.replaceChildren();
    if (what.empty) return;
    this.legend.append(...what.data.datasets.filter((dataset) => !dataset.isReference).map(legendOf));
    this.box.style.height = what.height ? `${what.height}px` : '';
    this.chart = new Chart(this.canvas, {
      type: what.type,
      data: what.data,
      options: {
        indexAxis: what.indexAxis ?? 'x',
        animation: false,
        maintainAspectRatio: false,
        responsive: true,
        scales: what.scales,
        interaction: { mode: what.mode ?? 'nearest', intersect: false, axis: what.indexAxis === 'y' ? 'y' : 'xy' },
        plugins: {
          legend: { display: false },
          tooltip: { enabled: false, external: showTooltip },
        },
      },
    });
    this.canvas.chart = this.chart;
  }
}
