// Cuts the pictures of the README out of those that the window's stories leave behind.
//   node docs/make_screenshots.mjs [PICTURES]      after make test-all, from build/vscode-pictures
// They differ in a pixel from machine to machine, so no test compares them; look at them.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { chromium } = createRequire(join(root, 'editors/vscode/package.json'))('playwright-core');
const from = process.argv[2] ?? join(root, 'build/vscode-pictures');

/** Name of the picture, and what of it is shown: x, y, width, height. */
const PICTURES = {
  rows: ['picture-rows', [0, 36, 1360, 792]],
  lineage: ['picture-lineage', [52, 36, 1308, 560]],
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
mkdirSync(join(root, 'docs/images'), { recursive: true });
for (const [name, [picture, [x, y, width, height]]] of Object.entries(PICTURES)) {
  const page = await browser.newPage({ viewport: { width, height } });
  const data = readFileSync(join(from, `${picture}.png`)).toString('base64');
  await page.setContent(`<style>body{margin:0;overflow:hidden}img{position:absolute;left:${-x}px;top:${-y}px}</style><img src="data:image/png;base64,${data}">`);
  await page.locator('img').evaluate((image) => image.decode());
  const target = join(root, `docs/images/vscode-${name}.png`);
  await page.screenshot({ path: target });
  await page.close();
  console.log(`docs/images/vscode-${name}.png ${Math.round(statSync(target).size / 1024)} kB`);
}
await browser.close();
