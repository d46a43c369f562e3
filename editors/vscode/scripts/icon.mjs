// Draws icons/smq.png, which the list of extensions shows, from icons/smq.svg.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const at = (name) => fileURLToPath(new URL(`../icons/${name}`, import.meta.url));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 128, height: 128 } });
await page.setContent(`<style>body{margin:0}</style>${readFileSync(at('smq.svg'), 'utf8')}`);
await page.screenshot({ path: at('smq.png'), omitBackground: true });
await browser.close();
