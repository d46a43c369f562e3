// A day with the extension: writing queries, running them, looking around in models.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bank, finish, installed, shop, shots, vsix } from '../scene.mjs';
import { plain, Workbench } from '../workbench.mjs';

export const chapters = {
  async 'write and run'(tell) {
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed });
    const { page } = bench;
    const query = 'queries/store_sales.smq.json';
    writeFileSync(join(bench.folder, query), '{\n  "description": "What does each store sell?",\n  "metrics": ["revenu"],\n  "groupBy": ["stores__store_name"],\n  "orderBy": ["-revenue"]\n}\n');
    const grid = () => bench.view('#grid');
    const editorText = async () =>
      plain((await page.locator('.editor-group-container.active .view-lines .view-line').evaluateAll((lines) =>
        lines.map((line) => [parseFloat(line.style.top), line.textContent]).sort((a, b) => a[0] - b[0]).map((line) => line[1]))).join('\n'));
    try {
      const started = Date.now();
      await bench.load();
      await tell('first findings', bench, async () => {
        const loaded = (Date.now() - started) / 1000;
        await bench.openFile(query);
        const opened = Date.now();
        await page.locator('.squiggly-error').first().waitFor();
        const seconds = { windowIsUp: loaded, fromOpeningTheFile: (Date.now() - opened) / 1000, all: (Date.now() - started) / 1000 };
        await page.keyboard.press('Control+Shift+m');
        await bench.sees('.markers-panel', /revenu/);
        return { seconds };
      });
      await tell('a fix', bench, async () => {
        await page.keyboard.press('Control+1');
        await bench.cursor(query, '"reve^nu"');
        await bench.eventually('the fix is offered', async () => {
          await page.keyboard.press('Control+.');
          await page.waitForTimeout(500);
          const menu = plain((await page.locator('.action-widget').allInnerTexts()).join('\n'));
          if (menu.includes("'revenue'")) return true;
          await page.keyboard.press('Escape');
          return menu;
        });
        await bench.shot(shots, 'fix-menu');
        await page.keyboard.press('Enter');
        await bench.eventually('the text is right', async () => (await editorText()).includes('["revenue"]') || (await editorText()));
        await bench.eventually('no findings are left', async () => (await page.locator('.squiggly-error').count()) === 0);
        await page.keyboard.press('Control+s');
        await page.keyboard.press('Control+j');
      });
      await tell('hover with SQL', bench, async () => {
        await bench.cursor(query, '"rev^enue"');
        const from = Date.now();
        await page.keyboard.press('Control+k');
        await page.keyboard.press('Control+i');
        await bench.sees('.monaco-hover:not(.hidden)', 'SUM(orders.subtotal)');
        return { seconds: (Date.now() - from) / 1000 };
      });
      await tell('completion puts first what fits', bench, async () => {
        await page.keyboard.press('Escape');
        await bench.cursor(query, '"stores__store_name"^');
        await page.keyboard.type(', "customers__');
        await page.keyboard.press('Control+Space');
        const rows = page.locator('.suggest-widget.visible .monaco-list-row');
        await bench.eventually('dimensions of customers are offered', async () => {
          const labels = await rows.evaluateAll((all) => all.map((row) => row.getAttribute('aria-label')));
          return labels.some((label) => label?.includes('customers__country')) || labels.join('\n');
        });
        await bench.shot(shots, 'picture-completion');
      });
      await tell('accept a completion', bench, async () => {
        await page.keyboard.type('coun');
        await page.locator('.suggest-widget.visible .monaco-list-row.focused', { hasText: 'customers__country' }).first().waitFor();
        await page.keyboard.press('Enter');
        await bench.eventually('the name is in the text', async () => (await editorText()).includes('customers__country') || (await editorText()));
        await page.keyboard.press('Control+s');
      });
      await tell('the SQL beside it', bench, async () => {
        await page.keyboard.press('Control+k');
        await page.keyboard.press('v');
        await bench.sees('.editor-group-container:not(.active) .view-lines', 'SUM(orders.subtotal)', 'customers.country');
        await bench.cursor('queries/store_sales.smq.json', '"stores__st^ore_name"');
        await page.locator('.editor-group-container:not(.active) .view-overlays .cdr[class*=ced-]').first().waitFor();
      });
      await tell('the SQL follows what is typed', bench, async () => {
        await bench.cursor(query, '"orderBy": ["-revenue"]^');
        await page.keyboard.type(',\n"limit": 3');
        await bench.sees('.editor-group-container:not(.active) .view-lines', /LIMIT\s+3/);
        await page.keyboard.press('Control+s');
      });
      await tell('from the SQL to what it came from', bench, async () => {
        await page.keyboard.press('Control+2');
        await page.keyboard.press('Control+g');
        const input = page.locator('.quick-input-widget input.input');
        await input.waitFor();
        await input.fill(':4:8');
        await page.keyboard.press('Enter');
        await input.waitFor({ state: 'hidden' });
        await page.keyboard.press('Control+k');
        await page.keyboard.press('Control+i');
        await bench.sees('.monaco-hover:not(.hidden)', 'Comes from');
      });
      await tell('rows', bench, async () => {
        await page.keyboard.press('Escape');
        await page.keyboard.press('Control+1');
        await page.keyboard.press('Control+Enter');
        const frame = await grid();
        await frame.locator('[role=gridcell]').first().waitFor();
        await bench.eventually('three rows', async () => (await frame.locator('[role=grid]').getAttribute('aria-rowcount')) === '4');
        await bench.eventually('their status', async () => /3 rows in \d+\.\d\d s on duckdb/.test(await frame.locator('#status').innerText()) || (await frame.locator('#status').innerText()));
      });
      await tell('a picture of it all', bench, async () => {
        await page.keyboard.press('Control+1');
        await bench.cursor(query, '"rev^enue"');
        await page.keyboard.press('Control+b');
        await page.locator('.sidebar').first().waitFor({ state: 'hidden' });
        await bench.shot(shots, 'picture-rows');
        await page.keyboard.press('Control+b');
      });
      await tell('sort, select and copy by keys', bench, async () => {
        const frame = await grid();
        await frame.locator('[role=gridcell]').first().click();
        await page.keyboard.press('ArrowUp');
        await page.keyboard.press('Enter');
        await bench.eventually('the heading says so', async () => (await frame.locator('[aria-sort=ascending]').count()) === 1);
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Shift+End');
        await page.keyboard.press('Shift+ArrowDown');
        await bench.eventually('six cells are selected', async () => (await frame.locator('[aria-selected=true]').count()) === 6 || `${await frame.locator('[aria-selected=true]').count()}`);
        await page.keyboard.press('Control+c');
        await bench.eventually('the clipboard has them', async () => {
          const copied = await page.evaluate(() => navigator.clipboard.readText());
          return (copied.split('\n').length === 2 && copied.split('\t').length === 5) || copied;
        });
      });
      await tell('export as CSV', bench, async () => {
        const frame = await grid();
        await frame.locator('#export').click();
        const input = page.locator('.quick-input-widget input.input');
        await input.waitFor();
        await bench.eventually('a name is proposed', async () => /What_does_each_store_sell\.csv$/.test(await input.inputValue()) || (await input.inputValue()));
        await page.keyboard.press('Enter');
        await bench.sees('.notifications-toasts', /3 rows are in/);
        const written = readFileSync(join(bench.folder, 'What_does_each_store_sell.csv'), 'utf8');
        if (!/^stores__store_name,customers__country,revenue\r\n/.test(written)) throw new Error(written);
        await page.keyboard.press('Escape');
        await bench.command('Notifications: Clear All Notifications');
      });
      await tell('the grid in a dark theme', bench, () => bench.theme('Dark Modern', 'vs-dark'));
      await tell('the grid in high contrast', bench, () => bench.theme('Dark High Contrast', 'hc-black'));
      await tell('the grid in light high contrast', bench, () => bench.theme('Light High Contrast', 'hc-light'));
      await tell('what an engine refuses', bench, async () => {
        await bench.theme('Light Modern', 'vs');
        await page.keyboard.press('Control+1');
        await page.keyboard.press('Control+a');
        await page.keyboard.type('{"metrics": ["nonsense"]}');
        await page.keyboard.press('Control+Enter');
        const frame = await grid();
        await bench.eventually('the reason', async () => /nonsense/.test(await frame.locator('#status.error').innerText()));
      });
      await tell('rename in all files', bench, async () => {
        await bench.openFile('metrics/sales.yml');
        const text = readFileSync(join(bench.folder, 'metrics/sales.yml'), 'utf8');
        if (!text.includes('name: revenue\n')) throw new Error('the example has changed');
        await bench.cursor('metrics/sales.yml', 'name: rev^enue\n');
        await bench.eventually('it has its colours', async () => (await page.locator('#status\\.editor\\.mode').innerText()).includes('Semantic model') || 'another language');
        await page.keyboard.press('F2');
        const box = page.locator('.rename-box input').first();
        await box.waitFor();
        await box.fill('sales');
        await page.keyboard.press('Enter');
        await bench.openFile('queries/sales_by_store.smq.json');
        await bench.sees('.editor-group-container.active .view-lines', '"sales"', '"-sales"');
      });
    } finally {
      await finish(tell, bench);
    }
  },

  async 'look around'(tell) {
    const bench = await Workbench.open({ workspace: bank, vsix, path: installed });
    const { page } = bench;
    try {
      await bench.load();
      await tell('the tree of models and metrics', bench, async () => {
        await page.keyboard.press('Control+Shift+e');
        await bench.command('SMQ: Focus on Models and Metrics View');
        await bench.sees('.pane-body .monaco-list', 'Metrics', '고객기본', 'balance_per_customer');
      });
      await tell('find a metric by its words', bench, async () => {
        await bench.command('SMQ: Find a Model or Metric');
        await page.locator('.quick-input-widget input.input').fill('예대율');
        await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: '예대율' }).first().waitFor();
        await bench.shot(shots, 'find');
        await page.keyboard.press('Enter');
        await page.locator('.tab.active[data-resource-name$=".yml"]').waitFor();
      });
      await tell('lineage as a graph', bench, async () => {
        await bench.command('SMQ: Show Lineage');
        const frame = await bench.view('#graph');
        await frame.locator('.box.root', { hasText: '예대율' }).waitFor();
        await frame.locator('.box.table').first().waitFor();
        await page.keyboard.press('Control+b');
        await bench.shot(shots, 'picture-lineage');
        // Keys alone lead along the lines.
        await frame.locator('.box.root').focus();
        await page.keyboard.press('ArrowRight');
        await bench.eventually('the focus went on', async () => (await frame.locator('.box:focus').count()) === 1 && (await frame.locator('.box.root:focus').count()) === 0);
      });
      await tell('lineage as a list', bench, async () => {
        const frame = await bench.view('#graph');
        await frame.locator('#as-list').click();
        const items = frame.locator('[role=treeitem]');
        await items.first().waitFor();
        await items.first().focus();
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('ArrowLeft');
        await page.keyboard.press('ArrowLeft');
        await bench.eventually('a branch is folded', async () => (await frame.locator('[aria-expanded=false]').count()) === 1);
      });
      await tell('from the lineage to the definition', bench, async () => {
        await page.keyboard.press('Home');
        await page.keyboard.press('Enter');
        await page.locator('.editor-group-container.active .tab.active[data-resource-name$=".yml"]').waitFor();
      });
      await tell('explain a query', bench, async () => {
        await bench.command('View: Close All Editors');
        await bench.openFile('loan_to_deposit.smq.json');
        await bench.command('SMQ: Explain Query');
        const frame = await bench.view('.markdown-body, #markdown-preview, body.vscode-body h1');
        await bench.eventually('the explanation', async () => /each row counts once/.test(await frame.locator('body').innerText()) || (await frame.locator('body').innerText()));
      });
      await tell('a broken query keeps its last SQL', bench, async () => {
        await bench.command('View: Close All Editors');
        await bench.openFile('loan_to_deposit.smq.json');
        await bench.command('SMQ: Show SQL Beside the Query');
        await bench.sees('.editor-group-container:not(.active) .view-lines', 'SELECT');
        await bench.cursor('queries/loan_to_deposit.smq.json', '"metrics": ["예대^율"');
        await page.keyboard.type('x');
        await bench.sees('.editor-group-container:not(.active) .view-lines', 'Before that it was:');
      });
      await tell('the walkthrough', bench, async () => {
        await bench.command('SMQ: Get Started');
        await bench.sees('.getting-started-category, .gettingStartedContainer', 'Get started with SMQ');
        // The server has been running since before the page was opened.
        await page.locator('.gettingStartedContainer .getting-started-step.expanded .codicon.complete, .gettingStartedContainer .getting-started-step .codicon-getting-started-step-checked').first().waitFor();
      });
      await tell('debug information', bench, async () => {
        await bench.command('SMQ: Copy Debug Information');
        await bench.eventually('the clipboard has it', async () => {
          const text = await page.evaluate(() => navigator.clipboard.readText());
          return /server running/.test(text) && /metrics/.test(text) && !text.includes(bench.folder) ? true : text;
        });
      });
    } finally {
      await finish(tell, bench);
    }
  },
};
