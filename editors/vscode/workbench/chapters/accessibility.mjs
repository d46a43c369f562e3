// What screen readers are told, and what keys alone reach, in every view.
import { createRequire } from 'node:module';
import { finish, installed, shop, vsix } from '../scene.mjs';
import { plain, Workbench } from '../workbench.mjs';

const { source: axe } = createRequire(import.meta.url)('axe-core');
const THEMES = [
  ['Dark Modern', 'vs-dark'],
  ['Dark High Contrast', 'hc-black'],
  ['Light High Contrast', 'hc-light'],
  ['Light Modern', 'vs'],
];

/** What axe has against a view; `colours` alone after a change of the theme. */
async function faults(frame, colours = false) {
  await frame.evaluate(axe);
  return frame.evaluate(async (rules) => {
    const options = rules ? { runOnly: { type: 'rule', values: rules } } : { rules: { region: { enabled: false } } };
    const { violations } = await window.axe.run(document, options);
    // What is below an item of a tree is inside it, and not a part of its name.
    const isItem = ({ id }, node) => id === 'label-content-name-mismatch' && node.html.includes('role="treeitem"');
    for (const one of violations) one.nodes = one.nodes.filter((node) => !isItem(one, node));
    return violations.filter((one) => one.nodes.length > 0).map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`);
  }, colours ? ['color-contrast'] : null);
}

async function has(frame, ...wanted) {
  const tree = await frame.locator('body').ariaSnapshot();
  const lacking = wanted.filter((one) => (one instanceof RegExp ? !one.test(tree) : !tree.includes(one)));
  if (lacking.length > 0) throw new Error(`no ${lacking.join(', ')} in\n${tree}`);
}

/** Where Tab leads in a view, from what has the focus there to the last place. */
async function stops(page, frame, count) {
  const found = [];
  for (let press = 0; press < count; press++) {
    found.push(await frame.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('role') || document.activeElement?.tagName || ''));
    await page.keyboard.press('Tab');
  }
  return found;
}

export const chapters = {
  async 'by keys and by ear'(tell) {
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed, settings: { 'editor.accessibilitySupport': 'on' } });
    const { page } = bench;
    const grid = () => bench.view('#grid');
    const lineage = () => bench.view('#graph');
    const clean = async (frame, colours) => {
      const found = await faults(frame, colours);
      if (found.length > 0) throw new Error(found.join('\n'));
    };
    /** Leave the view, change the colours, look again. */
    const inAllThemes = async (view) => {
      for (const [name, marker] of THEMES) {
        await bench.theme(name, marker);
        const frame = await view();
        await bench.eventually(`no fault in ${name}`, async () => {
          const found = await faults(frame, true);
          return found.length === 0 || found.join('\n');
        }, 8000);
      }
    };
    try {
      await bench.load();
      await tell('rows say what they are', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.lenses();
        await page.keyboard.press('Control+Enter');
        const frame = await grid();
        await bench.eventually('rows', async () => /5 rows in/.test(await frame.locator('#status').innerText()) || (await frame.locator('#status').innerText()));
        await has(frame, 'heading "What did each store sell', 'toolbar "Results"', 'button "Run again"', 'button "Show SQL"', 'button "Copy all"', 'button "Export CSV"',
          /status: 5 rows in/, /grid "What did each store sell/, /columnheader ".*revenue/i, /gridcell "Boston"/);
        if ((await frame.locator('#status[role=status][aria-live=polite]').count()) !== 1) throw new Error('what happens is not announced');
        await clean(frame);
      });
      await tell('keys alone reach all of the rows', bench, async () => {
        await bench.command('SMQ Results: Focus on SMQ Results View');
        const frame = await grid();
        await bench.eventually('the view has the focus', async () => (await frame.evaluate(() => document.hasFocus())) === true);
        const found = await stops(page, frame, 6);
        for (const one of ['again', 'sql', 'copy', 'export']) if (!found.includes(one)) throw new Error(`no stop at ${one}: ${found.join()}`);
        if (!found.some((one) => ['columnheader', 'gridcell'].includes(one))) throw new Error(`no stop in the grid: ${found.join()}`);
      });
      await tell('sorting is announced', bench, async () => {
        const frame = await grid();
        await bench.command('SMQ Results: Focus on SMQ Results View');
        await bench.eventually('a heading has the focus', async () => {
          const at = await frame.evaluate(() => document.activeElement?.getAttribute('role') ?? '');
          if (at === 'columnheader') return true;
          await page.keyboard.press(at === 'gridcell' ? 'Control+Home' : 'Tab');
          if (at === 'gridcell') await page.keyboard.press('ArrowUp');
          return at;
        });
        await page.keyboard.press('Enter');
        await bench.eventually('it is said', async () => /Sorted by stores__store_name, ascending/.test(await frame.locator('#status').innerText()) || (await frame.locator('#status').innerText()));
        await has(frame, /columnheader ".*store_name/i);
      });
      await tell('rows can be read in all themes', bench, () => inAllThemes(grid));
      await tell('the lineage says what it is', bench, async () => {
        await page.keyboard.press('Control+1');
        await bench.cursor('queries/sales_by_store.smq.json', '"rev^enue"');
        await bench.command('SMQ: Show Lineage');
        const frame = await lineage();
        await frame.locator('.box.root').first().waitFor();
        await has(frame, 'heading "Revenue (revenue)"', /group "Shown as"/, /button "Graph"( \[pressed\])?/, 'button "List"', /status: Connected with/, /button "metric revenue Revenue; .*made of/);
        await clean(frame);
      });
      await tell('keys alone reach all of the lineage', bench, async () => {
        const frame = await lineage();
        await frame.locator('#as-graph').focus();
        const found = await stops(page, frame, 3);
        if (found[1] !== 'as-list' || found[2] !== 'BUTTON') throw new Error(found.join());
        await frame.locator('#as-list').focus();
        await page.keyboard.press('Enter');
        await frame.locator('[role=treeitem]').first().waitFor();
        await page.keyboard.press('Tab');
        await bench.eventually('the list has the focus', async () => (await frame.locator('[role=treeitem]:focus').count()) === 1);
        await has(frame, /tree "Made of"/, /treeitem/);
        await clean(frame);
      });
      await tell('the list can be read in all themes', bench, () => inAllThemes(lineage));
      await tell('the graph can be read in all themes', bench, async () => {
        const frame = await lineage();
        await frame.locator('#as-graph').focus();
        await page.keyboard.press('Enter');
        await inAllThemes(lineage);
      });
      await tell('the tree of models names everything', bench, async () => {
        await bench.command('SMQ: Focus on Models and Metrics View');
        const rows = page.locator('.pane-body .monaco-list-row');
        await rows.first().waitFor();
        const labels = await rows.evaluateAll((all) => all.map((row) => row.getAttribute('aria-label') ?? ''));
        if (labels.some((label) => label.trim() === '') || !labels.some((label) => label.includes('revenue'))) throw new Error(labels.join('\n'));
        await bench.eventually('its first metric has the focus', async () => {
          await bench.command('SMQ: Focus on Models and Metrics View');
          await page.keyboard.press('Home');
          await page.keyboard.press('ArrowDown');
          const at = await page.locator('.pane-body .monaco-list:focus-within .monaco-list-row.focused').allInnerTexts();
          return at.some((one) => one.includes('average_order_value')) || at.join('\n') || 'no row';
        });
        await page.keyboard.press('Enter');
        await page.locator('.tab.active[data-resource-name$=".yml"]').waitFor();
      });
      await tell('the SQL beside it is an editor with a name', bench, async () => {
        await bench.command('View: Close All Editors');
        await bench.openFile('sales_by_store.smq.json');
        await bench.command('SMQ: Show SQL Beside the Query');
        await bench.sees('.editor-group-container:not(.active) .view-lines', 'SELECT');
        await page.keyboard.press('Control+2');
        await bench.eventually('its name', async () => {
          const label = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.outerHTML ?? '');
          return label.includes('sales_by_store.sql') || label;
        });
      });
      await tell('the box for a question says what to do', bench, async () => {
        await page.keyboard.press('Control+1');
        await bench.cursor('queries/sales_by_store.smq.json', '"rev^enue"');
        await bench.command('SMQ: Generate Query from Comment');
        const box = page.locator('.quick-input-widget input.input');
        await bench.eventually('its name', async () => {
          const label = plain(`${await box.getAttribute('aria-label')} ${await page.locator('.quick-input-widget').innerText()}`);
          return (/Generate a query/.test(label) && /What do you want to know/.test(label)) || label;
        });
        await page.keyboard.press('Escape');
      });
    } finally {
      await finish(tell, bench);
    }
  },
};
