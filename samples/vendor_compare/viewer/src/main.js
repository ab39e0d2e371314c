import { addApart, addShares } from './bars.js';
import { addAllCurves } from './curves.js';
import { addDevices } from './devices.js';
import { byId } from './dom.js';
import { addCases, addPipelines } from './everything.js';
import { cases, measured } from './report.js';
import { repaint } from './state.js';
import { onThemeChange } from './theme.js';

addDevices();
if (measured.length > 0) {
  addShares();
  addAllCurves();
  addApart();
} else {
  document.querySelectorAll('.measured').forEach((section) => { section.hidden = true; });
}
if (cases.length > 0) {
  byId('table').hidden = false;
  addCases();
}
addPipelines();
for (const form of document.querySelectorAll('form')) form.addEventListener('submit', (event) => event.preventDefault());
onThemeChange(repaint);
document.documentElement.dataset.ready = 'true';
