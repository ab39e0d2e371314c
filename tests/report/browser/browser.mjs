// Chromium, driven by playwright-core from the work folder; without any network.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { chromium } = createRequire(join(process.env.VKNORM_WORK, 'package.json'))('playwright-core');

export const launch = () => chromium.launch({
  executablePath: process.env.VKNORM_CHROMIUM,
  // Without a sandbox it runs as root as well; what it opens is made here.
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--force-color-profile=srgb'],
});

// A page, and everything that it complains of or asks a network for.
export async function open(browser, path, options = {}) {
  const context = await browser.newContext({ offline: true, acceptDownloads: true, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => faults.push(`exception: ${error.stack ?? error}`));
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => { if (!/^(file|data|blob):/.test(request.url())) faults.push(`request: ${request.url()}`); });
  await page.goto(pathToFileURL(path).href);
  await page.waitForSelector('html[data-ready=true]', { timeout: 10000 });
  return { page, faults, close: () => context.close() };
}
