// picture.mjs PAGE SECTION WIDTH light|dark PNG: a section of a report by its id, or "all" for the whole page.
import { launch, open } from './browser.mjs';

const [path, section, width, colorScheme, png] = process.argv.slice(2);
const browser = await launch();
const { page } = await open(browser, path, { viewport: { width: Number(width), height: 900 }, colorScheme, deviceScaleFactor: section === 'all' ? 1 : 2 });
if (section === 'all') await page.screenshot({ path: png, fullPage: true });
else await page.locator(`#${section} .figure`).screenshot({ path: png });
await browser.close();
