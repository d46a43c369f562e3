// Windows with several workspaces, and with metadata of a warehouse.
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bank, finish, installed, shop, vsix } from '../scene.mjs';
import { plain, python, Workbench } from '../workbench.mjs';

export const chapters = {
  async 'two workspaces'(tell) {
    const bench = await Workbench.open({ workspaces: [shop, bank], vsix, path: installed });
    const { page } = bench;
    const hovered = '.monaco-hover:not(.hidden)';
    const hover = async () => {
      await page.keyboard.press('Control+k');
      await page.keyboard.press('Control+i');
    };
    try {
      await bench.load();
      await tell('each has its own models', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.lenses();
        await bench.cursor('shop/queries/sales_by_store.smq.json', '"rev^enue"');
        await hover();
        await bench.sees(hovered, 'SUM(orders.subtotal)');
        await page.keyboard.press('Escape');
        await bench.openFile('loan_to_deposit.smq.json');
        await bench.lenses();
        await bench.cursor('bank/queries/loan_to_deposit.smq.json', '"예대^율"');
        await hover();
        await bench.sees(hovered, 'bank.acct_bal_snap');
        await page.keyboard.press('Escape');
      });
      await tell('names of the other are not known', bench, async () => {
        // To the end of the list; the window counts wide letters as two columns.
        await bench.cursor('bank/queries/loan_to_deposit.smq.json', '"metr^ics"');
        for (const key of ['End', 'ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
        await page.keyboard.type(', "reve');
        await page.keyboard.press('Control+Space');
        await bench.eventually('nothing of the shop is offered', async () => {
          const labels = (await page.locator('.suggest-widget.visible').allInnerTexts()).join('\n');
          return labels !== '' && !/Loading/.test(labels) && !/^revenue/m.test(labels) ? true : labels || 'no list';
        });
        await page.keyboard.press('Escape');
        await page.keyboard.type('nue'); // the quote behind it came by itself
        await page.locator('.squiggly-error').first().waitFor();
        await page.keyboard.press('Control+Shift+m');
        await bench.sees('.markers-panel', /'revenue'/);
        await page.keyboard.press('Control+1');
        await bench.command('File: Revert File');
        await bench.eventually('no findings are left', async () => (await page.locator('.squiggly-error').count()) === 0);
      });
      await tell('each runs on its own engine', bench, async () => {
        await page.keyboard.press('Control+Enter');
        const frame = await bench.view('#grid');
        await bench.eventually('rows of the bank', async () => /rows in/.test(await frame.locator('#status').innerText()) && (await frame.locator('.header').innerText()).includes('예대율'));
        await bench.openFile('sales_by_store.smq.json');
        await page.keyboard.press('Control+Enter');
        await bench.eventually('rows of the shop', async () => /5 rows in/.test(await frame.locator('#status').innerText()) || (await frame.locator('#status').innerText()));
      });
      await tell('the tree has both', bench, async () => {
        await bench.command('SMQ: Focus on Models and Metrics View');
        await bench.eventually('two roots', async () => {
          const found = await page.locator('.pane-body .monaco-list-row[aria-level="1"]').allInnerTexts();
          return (found.length === 2 && found.some((one) => /shop/.test(one)) && found.some((one) => /bank/.test(one))) || found.join('\n');
        });
      });
      await tell('it is asked which one to compare', bench, async () => {
        await bench.command('View: Close All Editors');
        await bench.command('SMQ: Compare Meaning with …');
        const rows = page.locator('.quick-input-list .monaco-list-row');
        await bench.eventually('both are offered', async () => {
          const labels = (await rows.allInnerTexts()).join('\n');
          return (/shop/.test(labels) && /bank/.test(labels)) || labels;
        });
        await bench.pick('bank', 'bank');
        await bench.pick('saved', 'The saved files');
        await bench.sees('.notifications-toasts', /No query means something else.* Compared with the saved files/);
      });
    } finally {
      await finish(tell, bench);
    }
  },

  async 'metadata of the warehouse'(tell) {
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed });
    const { page } = bench;
    const cache = join(bench.folder, '.smq/metadata_cache.json');
    appendFileSync(join(bench.folder, 'smq.toml'), '\n[metasync]\nsources = ["engine"]\n');
    const smq = (...args) => execFileSync(python, ['-m', 'smq_server.main', ...args], { cwd: bench.folder, encoding: 'utf8' });
    const item = page.locator('.statusbar [aria-label*="Warehouse metadata"]').first();
    const says = (wanted) =>
      bench.eventually(`the status bar says ${wanted}`, async () => {
        const [text, spoken] = [plain(await item.innerText()).trim(), await item.getAttribute('aria-label')];
        return wanted.test(`${text} | ${spoken}`) || `${text} | ${spoken}`;
      });
    const refresh = async () => {
      await bench.command('SMQ: Show Warehouse Metadata');
      await bench.pick('Refresh', 'Refresh');
    };
    try {
      smq('metasync', 'sync');
      await bench.load();
      await tell('its age is in the status bar', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.lenses();
        await says(/MetaSync now \| .*Warehouse metadata: fresh, now old/);
      });
      await tell('the tooltip says where it comes from and how much it is', bench, async () => {
        await item.hover();
        await bench.sees('.monaco-hover:not(.hidden)', 'metadata_cache.json', 'The warehouse was read just now.', '6 tables');
        await page.mouse.move(600, 300);
      });
      await tell('the tree and the findings know the real tables', bench, async () => {
        await bench.command('SMQ: Focus on Models and Metrics View');
        await bench.sees('.pane-body .monaco-list', 'orders', 'revenue');
        await bench.openFile('models/products.yml');
        await page.keyboard.press('Control+Shift+m');
        await bench.eventually('a table that is not there is found', async () => {
          await bench.cursor('models/products.yml', "ref('products^')");
          await page.keyboard.type('x');
          await page.locator('.squiggly-error, .squiggly-warning').first().waitFor({ timeout: 8000 });
          return true;
        });
        await bench.sees('.markers-panel', /productsx/);
        await page.keyboard.press('Control+1');
        await bench.command('File: Revert File');
      });
      await tell('old metadata is said to be old', bench, async () => {
        const text = readFileSync(cache, 'utf8');
        const known = JSON.parse(text);
        const then = new Date(Date.now() - 9 * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
        writeFileSync(cache, JSON.stringify({ ...known, generated_at: then }));
        await refresh();
        await says(/MetaSync 9 d \| .*stale, 9 d old/);
        await bench.openFile('sales_by_store.smq.json');
      });
      await tell('damaged metadata leaves the last good copy', bench, async () => {
        writeFileSync(cache, '{"version": 2, "tables": [');
        await refresh();
        await item.hover();
        await bench.sees('.monaco-hover:not(.hidden)', /last good copy|could not be read/, /JSON|damaged|complete|broken/i);
        await page.mouse.move(600, 300);
      });
      await tell('collected again, it is fresh', bench, async () => {
        smq('metasync', 'sync');
        await refresh();
        await says(/MetaSync now \| .*fresh/);
      });
    } finally {
      await finish(tell, bench, [/metadata|cache/i]);
    }
  },
};
