// report_test.mjs VKNORM_COMPARE: opens reports that it makes, and does with them what a reader does. Numbers on the page are
// compared with those of the result files.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { launch, open } from './browser.mjs';
import { hostileName, writeFixtures } from './fixtures.mjs';

const tool = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'vknorm-report-'));
const files = writeFixtures(folder);
const paths = Object.values(files).map((file) => file.path);
const results = join(dirname(fileURLToPath(import.meta.url)), '../../../samples/vendor_compare/results');
const committed = readdirSync(results).filter((name) => name.endsWith('.jsonl')).map((name) => join(results, name));
const at = (name) => join(folder, name);
for (const output of ['report.html', 'report.csv']) execFileSync(tool, ['report', ...paths, '-o', at(output)], { stdio: 'pipe' });
execFileSync(tool, ['report', files['static.jsonl'].path, '-o', at('static.html')], { stdio: 'pipe' });
execFileSync(tool, ['report', ...committed, '-o', at('committed.html')], { stdio: 'pipe' });

let [passed, failed] = [0, 0];
async function check(name, body) {
  try {
    await body();
    ++passed;
    console.log(`ok ${name}`);
  } catch (error) {
    ++failed;
    console.log(`FAILED ${name}: ${error.stack ?? error}`);
  }
}

const browser = await launch();
const { page, faults } = await open(browser, at('report.html'), { viewport: { width: 1280, height: 900 } });

// The row of a result file, and how it must look.
const rowOf = (file, operation, types, rows, hiddenSize) => files[file].lines.find((line) => line.operation === operation
  && line.types === types && line.rows === rows && line.hiddenSize === hiddenSize);
const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const microseconds = (seconds) => (seconds < 1e-3 ? `${digits(seconds * 1e6)} \u00b5s` : `${digits(seconds * 1e3)} ms`);
const percent = (share) => `${share >= 0.0995 ? (100 * share).toFixed(0) : (100 * share).toFixed(1)} %`;

const form = (section) => page.locator(`#${section} form.own`);
const chartOf = (section) => page.evaluate((id) => {
  const { chart } = document.querySelector(`#${id} canvas`);
  return {
    xType: chart.scales.x.type, yType: chart.scales.y.type,
    datasets: chart.data.datasets.filter((set) => !set.isReference).map((set, i) => ({
      label: set.label, dash: set.borderDash, data: set.data.map(({ x, y, low, high }) => ({ x, y, low, high })),
      pixels: chart.getDatasetMeta(i).data.map(({ x, y }) => ({ x, y })),
    })),
  };
}, section);
// Of all rows that are filtered, not only of those that are shown at first.
async function cells() {
  const more = page.locator('#table .table > button');
  while (await more.isVisible()) await more.click();
  return page.$$eval('#table tbody tr', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
}
const near = (a, b) => assert.ok(Math.abs(a - b) <= 1e-9 * Math.abs(b), `${a} is not ${b}`);

async function hover(section, dataset, index) {
  await page.locator(`#${section} canvas`).evaluate((canvas) => canvas.scrollIntoView({ block: 'center' }));
  const { pixels } = (await chartOf(section)).datasets[dataset];
  const box = await page.locator(`#${section} canvas`).boundingBox();
  await page.mouse.move(box.x + pixels[index].x + 2, box.y + pixels[index].y);
  await page.mouse.move(box.x + pixels[index].x, box.y + pixels[index].y);
  await page.waitForSelector('#tooltip:not([hidden])', { timeout: 3000 });
  return page.locator('#tooltip').innerText();
}

await check('devices are named, and software is marked and not ranked', async () => {
  const rows = await page.$$eval('#device-table tbody tr', (all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
  assert.equal(rows.length, 5);
  assert.deepEqual(rows.map((row) => [row[0], row[5]]), [['Example GPU A', '2'], ['Example GPU B', '1'], [hostileName, '3'],
    ['Example software (software)', 'software: not ranked'], ['Example GPU C', 'not measured']]);
  assert.match(await page.locator('#notes').innerText(), /Software drivers show that results are right/);
  const card = page.locator('#device-cards details').first();
  await card.locator('summary').click();
  const text = await card.innerText();
  for (const part of ['8 GiB of the device', 'maxComputeWorkGroupInvocations: 1024', 'needs 9 GiB, and 2 GiB are allowed', 'example of Example GPU']) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
});

await check('a hostile name is a text', async () => {
  assert.ok((await page.locator('#device-table').innerText()).includes(hostileName));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
});

await check('the table has the numbers of the files', async () => {
  await form('table').locator('select[name=operation]').selectOption('layernorm');
  await form('table').locator('select[name=types]').selectOption('bf16');
  await form('table').locator('select[name=device]').selectOption('Example GPU B');
  const shown = await cells();
  assert.equal(shown.length, 24);
  for (const cell of shown) {
    const row = rowOf('b.jsonl', 'layernorm', 'bf16', Number(cell[3]), Number(cell[4]));
    if (row.status === 'ok') {
      assert.deepEqual([cell[5], cell[7], cell[8]], [microseconds(row.timing.medianSeconds), digits(row.bytesPerSecond / 1e9), percent(row.shareOfCopy)]);
      assert.equal(cell[10], row.latency ? microseconds(row.latency.medianSeconds) : '');
      assert.equal(cell[12].includes('unsteady'), !row.timing.isStable);
    } else assert.match(cell[13], /^skipped: needs 9 GiB/);
  }
});

await check('the table is sorted both ways, with what is missing last', async () => {
  for (const sign of [1, -1]) {
    await page.locator('#table th button', { hasText: /^time$/ }).click();
    const seconds = (await cells()).map((cell) => rowOf('b.jsonl', 'layernorm', 'bf16', Number(cell[3]), Number(cell[4])).timing?.medianSeconds);
    const known = seconds.filter((value) => value !== undefined);
    assert.deepEqual(known, [...known].sort((a, b) => sign * (a - b)));
    assert.ok(seconds.slice(known.length).every((value) => value === undefined));
  }
  assert.equal(await page.locator('#table th[aria-sort]').getAttribute('aria-sort'), 'descending');
});

await check('only what is marked, and what an outlier is', async () => {
  for (const name of ['operation', 'types', 'device']) await form('table').locator(`select[name=${name}]`).selectOption('all');
  await form('table').locator('input[name=marked]').check();
  const marks = (await cells()).map((cell) => cell[12]);
  assert.ok(marks.length > 0 && marks.every((mark) => mark !== ''));
  await form('table').locator('select[name=operation]').selectOption('rmsnorm');
  const outliers = (await cells()).filter((cell) => cell[12].includes('outlier')).map((cell) => `${cell[2]} ${cell[3]}x${cell[4]}`);
  assert.ok(outliers.length >= 1 && outliers.every((name) => name === 'fp32 512x4096'), String(outliers));
  await form('table').locator('input[name=marked]').uncheck();
  await form('table').locator('select[name=operation]').selectOption('all');
});

await check('the export has the fields of the tool', async () => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#table .export').click()]);
  const parse = (text) => text.trimEnd().split('\r\n').map((line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)]
    .map(([, quoted, bare]) => (quoted !== undefined ? quoted.replaceAll('""', '"') : bare !== '' && !Number.isNaN(Number(bare)) ? Number(bare) : bare)));
  const sorted = (text) => parse(text).map((fields) => JSON.stringify(fields)).sort();
  const exported = readFileSync(await download.path(), 'utf8');
  assert.deepEqual(sorted(exported), sorted(readFileSync(at('report.csv'), 'utf8')));
  assert.equal(parse(exported).length, 1 + 4 * 144);
});

await check('charts follow the filters, and have the numbers of the files', async () => {
  await page.locator('#filters select[name=operation]').selectOption('prenorm-add');
  await page.locator('#filters select[name=types]').selectOption('bf16');
  await form('size').locator('select[name=rows]').selectOption('512');
  const { datasets, xType, yType } = await chartOf('size');
  assert.deepEqual([xType, yType], ['logarithmic', 'logarithmic']);
  assert.equal(datasets.length, 4);
  const ofA = datasets.find((set) => set.label === 'Example GPU A');
  assert.equal(ofA.data.length, 6);
  for (const point of ofA.data) {
    const row = rowOf('a.jsonl', 'prenorm-add', 'bf16', 512, point.x);
    near(point.y, row.bytesPerSecond / 1e9);
    near(point.low, row.bytesPerSecond / 1e9 / 1.04);
    near(point.high, row.bytesPerSecond / 1e9 / 0.97);
  }
  assert.ok(datasets.find((set) => set.label.endsWith('(software)')).dash.length > 0);
  await form('rows').locator('select[name=hiddenSize]').selectOption('4096');
  const overRows = (await chartOf('rows')).datasets.find((set) => set.label === 'Example GPU B');
  assert.deepEqual(overRows.data.map((point) => point.x), [1, 32, 512, 8192]);
  near(overRows.data[3].y, rowOf('b.jsonl', 'prenorm-add', 'bf16', 8192, 4096).bytesPerSecond / 1e9);
  const latency = (await chartOf('latency')).datasets.find((set) => set.label === 'Example GPU A');
  near(latency.data[0].y, rowOf('a.jsonl', 'prenorm-add', 'bf16', 32, latency.data[0].x).latency.medianSeconds);
  const apart = (await chartOf('apart')).datasets.find((set) => set.label === 'Example GPU B');
  near(apart.data[0].x, 1.31);
});

await check('the share of copies is the median of the files', async () => {
  const { datasets } = await chartOf('share');
  const shares = files['a.jsonl'].lines.filter((line) => line.operation === 'rmsnorm' && line.types === 'bf16' && line.exceedsCache && !line.latency)
    .map((line) => line.shareOfCopy).sort((a, b) => a - b);
  const half = shares.length / 2;
  const median = shares.length % 2 ? shares[Math.floor(half)] : (shares[half - 1] + shares[half]) / 2;
  const bar = datasets.find((set) => set.label === 'Example GPU A').data.find((point) => point.y === 'rmsnorm');
  near(bar.x, median);
  near(bar.low, shares[0]);
  near(bar.high, shares.at(-1));
});

await check('a device can be hidden, and axes and quantity changed', async () => {
  await page.locator('.chip', { hasText: 'Example GPU B' }).click();
  assert.equal((await chartOf('size')).datasets.length, 3);
  await page.locator('.chip', { hasText: 'Example GPU B' }).click();
  await page.locator('input[name=logarithmic]').uncheck();
  assert.equal((await chartOf('size')).yType, 'linear');
  await page.locator('input[name=logarithmic]').check();
  await page.locator('select[name=metric]').selectOption('share of own copy');
  const point = (await chartOf('size')).datasets[0].data[0];
  near(point.y, rowOf('a.jsonl', 'prenorm-add', 'bf16', 512, point.x).shareOfCopy);
  await page.locator('select[name=metric]').selectOption('GB/s');
});

await check('pointing at a value shows it', async () => {
  await page.locator('#filters select[name=operation]').selectOption('rmsnorm');
  await page.locator('#filters select[name=types]').selectOption('fp32');
  await form('size').locator('select[name=rows]').selectOption('512');
  const row = rowOf('a.jsonl', 'rmsnorm', 'fp32', 512, 4096);
  const text = await hover('size', 0, 3);
  for (const part of ['Example GPU A', 'rmsnorm fp32 512x4096', `${digits(row.bytesPerSecond / 1e9)} GB/s`, microseconds(row.timing.medianSeconds),
    `${microseconds(row.timing.lowSeconds)} to ${microseconds(row.timing.highSeconds)}`, 'marked: outlier', 'of 4096 elements']) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
  assert.match(await hover('share', 0, 1), /median \d+ % of own copy, of \d+ cases/);
});

await check('what was only compiled is kept apart', async () => {
  const section = page.locator('#static');
  assert.match(await section.innerText(), /Nothing here was executed/);
  assert.match(await page.locator('#static-summary tbody').innerText(), /Example GPU C\s+example of Example GPU\s+129\s+1\s+0\s+1\s+153\s+16/);
  assert.equal(await section.locator('.table tbody tr').count(), 25);
  await section.locator('.table button', { hasText: 'Show more' }).click();
  assert.equal(await section.locator('.table tbody tr').count(), 125);
  await section.locator('.table button', { hasText: 'Show more' }).click();
  assert.equal(await section.locator('.table tbody tr').count(), 130);
  await section.locator('input[name=spilled]').check();
  assert.equal(await section.locator('.table tbody tr').count(), 1);
});

await check('a phone has no sideways scrolling, and large enough charts', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForFunction(() => document.querySelector('#size canvas').clientWidth <= 390);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390);
  const box = await page.locator('#size canvas').boundingBox();
  assert.ok(box.width > 300 && box.height > 250, JSON.stringify(box));
  const text = await hover('size', 0, 5);
  assert.ok(text.includes('512x65536'), text);
  const tip = await page.locator('#tooltip').boundingBox();
  assert.ok(tip.x >= 0 && tip.x + tip.width <= 390, JSON.stringify(tip));
  await page.setViewportSize({ width: 1280, height: 900 });
});

await check('the dark page is dark, and its charts are', async () => {
  const look = () => page.evaluate(() => [getComputedStyle(document.body).backgroundColor, document.querySelector('#size canvas').chart.options.scales.x.title.color]);
  const light = await look();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForFunction((colour) => document.querySelector('#size canvas').chart.options.scales.x.title.color !== colour, light[1], { timeout: 3000 });
  const dark = await look();
  assert.notEqual(light[0], dark[0]);
});

await check('nothing was complained of, and no network asked', () => assert.deepEqual(faults, []));

for (const [name, path] of [['pipelines alone', at('static.html')], ['the committed results', at('committed.html')]]) {
  await check(`a report of ${name}`, async () => {
    const other = await open(browser, path);
    const text = await other.page.locator('body').innerText();
    assert.equal(text.includes('Everything that was measured'), name !== 'pipelines alone');
    assert.equal(text.includes('Compiled, not run'), name === 'pipelines alone');
    assert.deepEqual(other.faults, []);
    await other.close();
  });
}

await check('what cannot be compared is refused', () => {
  const refused = spawnSync(tool, ['report', files['a.jsonl'].path, committed[0], '-o', at('none.html')], { encoding: 'utf8' });
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /not the same/);
  const same = spawnSync(tool, ['compare', committed[0], committed[0]], { encoding: 'utf8' });
  assert.equal(same.status, 0, same.stdout + same.stderr);
  const worse = spawnSync(tool, ['compare', files['a.jsonl'].path, files['b.jsonl'].path], { encoding: 'utf8' });
  assert.equal(worse.status, 1);
  assert.match(worse.stdout, /slower +rmsnorm fp32 512x65536/);
});

await browser.close();
rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
