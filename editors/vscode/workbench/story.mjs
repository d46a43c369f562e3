// One day with the extension, in a real window, by keys: what a person does and what they then see.
//   node workbench/story.mjs EXTENSION.vsix PICTURES [CHAPTER…]
// One line of JSON for each step, then one for the whole; pictures of every step.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { extension, missing, plain, python, repository, tools, Workbench } from './workbench.mjs';

const [vsix, pictures, ...wanted] = process.argv.slice(2);
const shots = resolve(pictures ?? '.');
const out = (value) => console.log(JSON.stringify(value));
const shop = join(repository, 'examples/shop');
const bank = join(repository, 'examples/bank');
const installed = [dirname(python)];

if (vsix === '--list') {
  // Below, once there are chapters.
} else if (!pictures) {
  console.error('usage: story.mjs EXTENSION.vsix PICTURES [CHAPTER…], or --list');
  process.exit(2);
}
const lack = missing();
if (lack) {
  out({ missing: lack });
  process.exit(3);
}

let failed = 0;

/** Chapters have a window each; their steps build on each other. */
const chapters = {
  async inside() {
    // In the extension host itself, through VS Code's own interface; the extension from its folder.
    const report = join(mkdtempSync(join(tmpdir(), 'smq-report-')), 'report');
    const bench = await Workbench.open({ workspace: shop, path: installed, environment: { SMQ_REPORT: report } });
    try {
      await bench.loadTests(extension, join(extension, 'workbench/host/index.cjs'));
    } finally {
      const lines = existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
      if (lines.length === 0) lines.push({ chapter: 'inside', step: 'the extension host', ok: false, seen: bench.said });
      for (const line of lines) {
        out(line);
        if (!line.ok) failed++;
      }
      rmSync(dirname(report), { recursive: true, force: true });
      await bench.close();
    }
  },

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

  async 'from a question to a query'(tell) {
    // What a model once said, through the real protocol on loopback.
    const answer = {
      answerable: true,
      reason: 'Revenue of each country, the largest first.',
      queries: [{ metrics: ['revenue'], groupBy: ['stores__country'], filters: [], orderBy: ['-revenue'], limit: null }],
      assumptions: ['the country of the store, not of the customer'],
      alternatives: [],
    };
    const endpoint = spawn(
      python,
      ['-c', 'import json, sys\nfrom tests.support.llm_endpoint import LlmEndpoint\nwith LlmEndpoint([{"content": json.loads(sys.argv[1])}] * 9) as endpoint:\n    print(endpoint.base_url, flush=True)\n    sys.stdin.read()', JSON.stringify(answer)],
      { cwd: repository, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const [url] = await once(endpoint.stdout, 'data');
    const environment = { SMQ_LLM_BASE_URL: String(url).trim(), SMQ_LLM_MODEL: 'replayed', SMQ_LLM_API_KEY: 'sk-of-the-test' };
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed, environment });
    const { page } = bench;
    const text = async () => plain((await page.locator('.editor-group-container.active .view-lines').allInnerTexts()).join('\n'));
    try {
      writeFileSync(join(bench.folder, 'queries/asked.smq.json'), '// 국가별 매출\n');
      await bench.load();
      await tell('a proposal as a difference', bench, async () => {
        await bench.openFile('asked.smq.json');
        await page.locator('.codicon-lightbulb, .statusbar').first().waitFor();
        await bench.eventually('the server runs', async () => /SMQ query/.test(await page.locator('#status\\.editor\\.mode').innerText()));
        await bench.command('SMQ: Generate Query from Comment');
        await page.locator('.diff-editor, .monaco-diff-editor').first().waitFor();
        await bench.sees('.monaco-diff-editor .modified', 'stores__country');
        await bench.sees('.notifications-toasts', 'Revenue of each country', 'Assumed: the country of the store', 'Accept');
        await bench.shot(shots, 'picture-proposal');
      });
      await tell('accepted, and one step to undo', bench, async () => {
        await page.locator('.notifications-toasts .monaco-button', { hasText: 'Accept' }).first().click();
        await page.locator('.monaco-diff-editor').first().waitFor({ state: 'detached' });
        await bench.eventually('the query is in the file', async () => /stores__country/.test(await text()) || (await text()));
        await page.keyboard.press('Control+1');
        await page.keyboard.press('Control+z');
        await bench.eventually('the comment alone', async () => !/stores__country/.test(await text()) || (await text()));
      });
      await tell('discarded, nothing changes', bench, async () => {
        await bench.command('SMQ: Generate Query from Comment');
        await page.locator('.monaco-diff-editor').first().waitFor();
        await page.locator('.notifications-toasts .monaco-button', { hasText: 'Discard' }).first().click();
        await page.locator('.monaco-diff-editor').first().waitFor({ state: 'detached' });
        if (/stores__country/.test(readFileSync(join(bench.folder, 'queries/asked.smq.json'), 'utf8'))) throw new Error('the file has changed');
      });
    } finally {
      await finish(tell, bench);
      endpoint.stdin.end();
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
      environment: { PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(tools, 'wheels'), PATH: '/usr/local/bin:/usr/bin:/bin' },
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
      await finish(tell, bench, [/SMQ is not installed in the Python of this workspace/]);
    }
  },

  async 'a server that falls over'(tell) {
    // A server that works for a second and is gone.
    const fall = `
import os, runpy, sys, threading, time
def fall():
    while "smq.sql.compile" not in sys.modules:
        time.sleep(0.05)
    time.sleep(1)
    os._exit(7)
threading.Thread(target=fall, daemon=True).start()
sys.argv = ["smq", "lsp"]
runpy.run_module("smq_server.main", run_name="__main__")`;
    const killer = [python, '-c', fall];
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed, settings: { 'smq.server.command': killer } });
    const { page } = bench;
    try {
      await bench.load();
      await tell('it is left alone after five times', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.eventually('it is said', async () => {
          const text = plain((await page.locator('.notifications-toasts').allInnerTexts()).join('\n'));
          return (/stopped 5 times/.test(text) && /Restart/.test(text) && /Show Log/.test(text)) || text;
        }, 120_000);
        await page.locator('.notifications-toasts .monaco-button', { hasText: 'Copy Debug Information' }).first().click();
        await bench.eventually('the clipboard says it', async () => {
          const text = await page.evaluate(() => navigator.clipboard.readText());
          return /server failed \(crashes\)/.test(text) || text;
        });
      });
      await tell('a command that is none', bench, async () => {
        await bench.command('Notifications: Clear All Notifications');
        writeFileSync(join(bench.data, 'Machine', 'settings.json'), JSON.stringify({ 'smq.server.command': ['/no/such/program'] }));
        await bench.sees('.notifications-toasts', 'there is no program /no/such/program', 'Open Setting');
      });
    } finally {
      await bench.close();
    }
  },
};

/** What may stand in a log of the extension host although nothing is wrong with us. */
const KNOWN = [/chat|copilot|github|telemetry|vscode\.git|Failed to fetch|microsoft-authentication/i];

/** Look into all logs; `expected`: what this chapter was to cause. */
async function finish(tell, bench, expected = []) {
  await tell('no error in any log', bench, async () => {
    const lines = Object.entries(bench.logs()).flatMap(([name, text]) => text.split('\n').filter((line) => /\[(error|warning)\]/.test(line)).map((line) => `${name}: ${line}`));
    const bad = [...lines.filter((line) => ![...KNOWN, ...expected].some((pattern) => pattern.test(line))), ...bench.problems];
    if (bad.length > 0) throw new Error(bad.join('\n'));
  });
  await bench.close();
}

if (vsix === '--list') {
  out(Object.keys(chapters));
  process.exit(0);
}
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
