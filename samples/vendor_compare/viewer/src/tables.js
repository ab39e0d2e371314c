// A table that is sorted by any column, shows a page at a time, and is exported as it is filtered and sorted.
import { download, toCsv } from './csv.js';
import { el } from './dom.js';

const [firstRows, moreRows] = [25, 100];

function compare(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1; // what is missing comes last, up or down
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

export class SortableTable {
  // columns: {name, title, show(row), value?(row), isNumber}
  constructor(box, columns, csvColumns, csvName) {
    this.columns = columns;
    this.body = el('tbody');
    this.count = el('span', { className: 'count' });
    this.more = el('button', { type: 'button', on: { click: () => this.showMore() } }, 'Show more');
    const save = el('button', { type: 'button', className: 'export', on: { click: () => download(csvName, toCsv(csvColumns, this.rows)) } }, 'Export as CSV');
    this.heads = columns.map((column, i) => el('th', { scope: 'col', className: column.isNumber ? 'number' : '' },
      el('button', { type: 'button', on: { click: () => this.sortBy(i) } }, column.title)));
    box.append(el('div', { className: 'bar' }, this.count, save),
      el('div', { className: 'scroll', tabIndex: 0, role: 'region', ariaLabel: 'Table' }, el('table', {}, el('thead', {}, el('tr', {}, ...this.heads)), this.body)), this.more);
    this.order = { column: undefined, sign: 1 };
  }

  setRows(rows, total) {
    this.unsorted = rows;
    this.count.textContent = `${rows.length} of ${total} rows`;
    this.sort();
  }

  sortBy(index) {
    const isSame = this.order.column === index;
    this.order = { column: index, sign: isSame ? -this.order.sign : 1 };
    this.heads.forEach((head, i) => {
      if (i === index) head.setAttribute('aria-sort', this.order.sign > 0 ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    });
    this.sort();
  }

  sort() {
    const { column, sign } = this.order;
    this.rows = [...this.unsorted];
    if (column !== undefined) {
      const valueOf = this.columns[column].value;
      this.rows.sort((a, b) => {
        const [x, y] = [valueOf(a), valueOf(b)];
        return x === null || y === null ? compare(x, y) : sign * compare(x, y);
      });
    }
    this.body.replaceChildren();
    this.shown = 0;
    this.showMore();
  }

  showMore() {
    const next = this.rows.slice(this.shown, this.shown + (this.shown === 0 ? firstRows : moreRows));
    this.body.append(...next.map((row) => el('tr', { className: row.marks ? 'marked' : '' },
      ...this.columns.map((column) => el('td', { className: column.isNumber ? 'number' : column.className ?? '' }, column.show(row))))));
    this.shown += next.length;
    this.more.hidden = this.shown >= this.rows.length;
    this.more.textContent = `Show more (${this.rows.length - this.shown} left)`;
  }
}
