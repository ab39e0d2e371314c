// Selects and switches, and what they say.
import { el } from './dom.js';

// A select of values; `texts` where they are not to be shown as they are. One with nothing to choose is left out.
export class Choice {
  constructor(form, name, label, values, onChange, options = {}) {
    this.select = el('select', { name, on: { change: onChange } });
    this.label = el('label', { className: 'choice' }, el('span', {}, label), this.select);
    this.texts = options.texts ?? String;
    this.setValues(values, options.initial);
    form.append(this.label);
  }

  setValues(values, initial) {
    const before = this.values?.[this.select.selectedIndex];
    this.values = values;
    this.select.replaceChildren(...values.map((value) => el('option', {}, this.texts(value))));
    const wanted = values.includes(before) ? before : initial;
    this.select.selectedIndex = Math.max(0, values.indexOf(wanted));
    this.label.hidden = values.length === 0;
  }

  get value() {
    return this.values[this.select.selectedIndex];
  }
}

export class Switch {
  constructor(form, name, label, isOn, onChange) {
    this.box = el('input', { type: 'checkbox', name, checked: isOn, on: { change: onChange } });
    form.append(el('label', { className: 'switch' }, this.box, el('span', {}, label)));
  }

  get isOn() {
    return this.box.checked;
  }
}
