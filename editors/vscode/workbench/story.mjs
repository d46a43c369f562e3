// One day with the extension, in a real window, by keys: what a person does and what they then see.
//   node workbench/story.mjs EXTENSION.vsix PICTURES [CHAPTER…]
// One line of JSON for each step, then one for the whole; pictures of every step.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { missing, plain, python, repository, Workbench } from './workbench.mjs';

const [vsix, pictures, ...wanted] = process.argv.slice(2);
const shots = resolve(pictures);
const out = (value) => console.log(JSON.stringify(value));
const shop = join(repository, 'examples/shop');
const bank = join(repository, 'examples/bank');
const installed = [dirname(python)];

const lack = missing();
if (lack) {
  out({ missing: lack });
  process.exit(3);
}

/** Chapters have a window each; their steps build on each other. */
const chapters = {
  async 'write and run'(tell) {
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed });
    const { page } = bench;
    const query = 'queries/mistake.smq.json';
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
        await bench.cursor('queries/mistake.smq.json', '"stores__st^ore_name"');
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
      await tell('the grid in a dark theme', bench, () => bench.theme('Default Dark Modern', 'vs-dark'));
      await tell('the grid in high contrast', bench, () => bench.theme('Default High Contrast', 'hc-black'));
      await tell('the grid in light high contrast', bench, () => bench.theme('Default High Contrast Light', 'hc-light'));
      await tell('what an engine refuses', bench, async () => {
        await bench.theme('Default Light Modern', 'vs');
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

  async 'without trust'(tell) {
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed, trust: true, settings: { 'security.workspace.trust.startupPrompt': 'never' } });
    const { page } = bench;
    try {
      await bench.load();
      await tell('SQL, but no run', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.sees('.editor-group-container .view-lines, .contentWidgets', 'Compile');
        await bench.command('SMQ: Show SQL Beside the Query');
        await bench.sees('.editor-group-container:not(.active) .view-lines', 'SELECT');
        await bench.sees('.statusbar', 'Restricted Mode');
        if ((await page.locator('.codelens-decoration', { hasText: 'Run' }).count()) > 0) throw new Error('a lens offers to run');
      });
    } finally {
      await finish(tell, bench);
    }
  },

  async 'no server'(tell) {
    const bench = await Workbench.open({
      workspace: shop,
      vsix,
      environment: { PIP_NO_INDEX: '1', PIP_FIND_LINKS: process.env.SMQ_WHEELS ?? '', PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    const { page } = bench;
    try {
      await bench.load();
      await tell('it is said what to do', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.sees('.notifications-toasts', 'Install the language server into an environment of its own?');
      });
      await tell('one click installs it', bench, async () => {
        const from = Date.now();
        await page.locator('.notifications-toasts .monaco-button', { hasText: 'Install' }).first().click();
        await bench.eventually('lenses come from the server', async () => /Compile/.test(plain((await page.locator('.codelens-decoration').allInnerTexts()).join(' '))) || plain((await page.locator('.notifications-toasts').allInnerTexts()).join(' ')), 240_000);
        return { seconds: (Date.now() - from) / 1000 };
      });
    } finally {
      await finish(tell, bench);
    }
  },

  async 'a server that falls over'(tell) {
    const killer = [python, '-c', 'import sys, runpy, threading, os\nthreading.Timer(1.5, lambda: os._exit(7)).start()\nsys.argv=["smq","lsp"]\nrunpy.run_module("smq_server.main", run_name="__main__")'];
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed, settings: { 'smq.server.command': killer } });
    const { page } = bench;
    try {
      await bench.load();
      await tell('it is left alone after five times', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.eventually('it is said', async () => {
          const text = plain((await page.locator('.notifications-toasts').allInnerTexts()).join('\n'));
          return (/stopped 5 times/.test(text) && /Restart/.test(text) && /Show Log/.test(text)) || text;
        }, 90_000);
      });
    } finally {
      await bench.close();
    }
  },
};

/** What may stand in a log of the extension host although nothing is wrong with us. */
const KNOWN = [/chat|copilot|github|telemetry|vscode\.git|Failed to fetch|microsoft-authentication/i];

async function finish(tell, bench) {
  await tell('no error in any log', bench, async () => {
    const lines = Object.entries(bench.logs()).flatMap(([name, text]) => text.split('\n').filter((line) => /\[(error|warning)\]/.test(line)).map((line) => `${name}: ${line}`));
    const bad = [...lines.filter((line) => !KNOWN.some((pattern) => pattern.test(line))), ...bench.problems];
    if (bad.length > 0) throw new Error(bad.join('\n'));
  });
  await bench.close();
}

let failed = 0;
for (const [chapter, play] of Object.entries(chapters)) {
  if (wanted.length > 0 && !wanted.includes(chapter)) continue;
  let number = 0;
  let broken = false;
  const tell = async (step, bench, act) => {
    const name = `${chapter} ${String(++number).padStart(2, '0')} ${step}`.replace(/[^\w]+/g, '-');
    if (broken && step !== 'no error in any log') return;
    try {
      const seen = await act();
      await bench.shot(shots, name);
      out({ chapter, step, ok: true, ...seen });
    } catch (error) {
      failed++;
      broken = true;
      await bench.shot(shots, `FAILED-${name}`).catch(() => undefined);
      out({ chapter, step, ok: false, seen: error.message });
    }
  };
  try {
    await play(tell);
  } catch (error) {
    failed++;
    out({ chapter, step: 'the window', ok: false, seen: error.stack });
  }
}
out({ failed });
process.exit(failed > 0 ? 1 : 0);
