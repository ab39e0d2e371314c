// Elements. Texts come from drivers and files: they are only ever text nodes, never markup.
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === 'on') Object.entries(value).forEach(([event, handler]) => element.addEventListener(event, handler));
    else if (key in element && !/^(role|aria)/.test(key)) element[key] = value;
    else element.setAttribute(key.replace(/^aria/, 'aria-').toLowerCase(), value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);
