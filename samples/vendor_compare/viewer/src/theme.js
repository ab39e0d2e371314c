// Colours, from style.css, of the light or the dark page; and how each device is drawn. Not by colour alone: shapes differ too, and
// software is dashed.
import { devices } from './report.js';

// Shapes of points, and the same as characters.
export const glyphs = {
  circle: '\u25cf', rect: '\u25a0', triangle: '\u25b2', rectRot: '\u25c6', star: '\u2731', crossRot: '\u2716', rectRounded: '\u25aa',
};
const shapes = Object.keys(glyphs);
const colourCount = 8;

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function drawnAs(index) {
  const isSoftware = devices[index].device.isSoftware;
  return {
    colour: colour(`series-${index % colourCount}`),
    shape: shapes[Math.floor(index / colourCount + index) % shapes.length],
    dash: isSoftware ? [5, 4] : [],
  };
}

export const nameOf = (device) => device.label + (device.device.isSoftware ? ' (software)' : '');

export function onThemeChange(handler) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', handler);
}
