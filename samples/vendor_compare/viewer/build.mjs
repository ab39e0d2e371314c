// node build.mjs NODE_MODULES OUTPUT: one page of src/, with its script and style in it.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const source = join(dirname(fileURLToPath(import.meta.url)), 'src');
const [modules, output] = process.argv.slice(2).map((path) => resolve(path));
const { buildSync } = await import(pathToFileURL(join(modules, 'esbuild/lib/main.js')));

function bundle(entry) {
  const result = buildSync({
    entryPoints: [join(source, entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['es2020'],
    charset: 'ascii',
    legalComments: 'inline',
    nodePaths: [modules],
    logLevel: 'warning',
  });
  // What would end the element that the text is put into.
  return result.outputFiles[0].text.trim().replace(/<\/(script|style)/gi, '<\\/$1').replaceAll('<!--', '<\\!--');
}

const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const style = bundle('style.css');
const script = bundle('main.js');
// No network, and no script or style but these: whatever else a device's name might smuggle in is inert.
const policy = `default-src 'none'; img-src data: blob:; script-src ${hashOf(script)}; style-src ${hashOf(style)}; base-uri 'none'; form-action 'none'`;
const page = readFileSync(join(source, 'index.html'), 'utf8')
  .replace('SLOT_POLICY', () => policy)
  .replace('SLOT_STYLE', () => style)
  .replace('SLOT_SCRIPT', () => script);
const other = page.match(/[^\x00-\x7f]/);
if (other) throw new Error(`the page has '${other[0]}', and must be ASCII`);
writeFileSync(output, page);
