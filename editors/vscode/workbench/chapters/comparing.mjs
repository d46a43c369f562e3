// What queries mean since the last commit, and since what is saved.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish, installed, shop, shots, vsix } from '../scene.mjs';
import { plain, Workbench } from '../workbench.mjs';

export const chapters = {
  async 'what has changed'(tell) {
    const bench = await Workbench.open({ workspace: shop, vsix, path: installed });
    const { page } = bench;
    const metrics = join(bench.folder, 'metrics/sales.yml');
    const git = (...args) => execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], { cwd: bench.folder });
    const rows = page.locator('.sidebar .pane-body .monaco-list-row');
    try {
      await bench.load();
      await tell('without git it is said why', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.lenses();
        await bench.command('SMQ: Compare Meaning with Committed Version');
        await bench.sees('.notifications-toasts', 'not in a git repository', 'Compare with');
        await bench.command('Notifications: Clear All Notifications');
      });
      await tell('nothing has changed', bench, async () => {
        git('init', '-q');
        git('add', '-A');
        git('commit', '-qm', 'as it was');
        await bench.command('SMQ: Compare Meaning with Committed Version');
        await bench.sees('.notifications-toasts', /No query means something else.* Compared with the committed version/);
        await bench.command('Notifications: Clear All Notifications');
      });
      await tell('a metric has another meaning, and so have its queries', bench, async () => {
        const text = readFileSync(metrics, 'utf8');
        const at = text.indexOf("<> 'cancelled'", text.indexOf('name: revenue'));
        if (at < 0) throw new Error('the example has changed');
        writeFileSync(metrics, `${text.slice(0, at)}= 'completed'${text.slice(at + "<> 'cancelled'".length)}`);
        await bench.eventually('the tree has them', async () => {
          await bench.command('SMQ: Compare Meaning with Committed Version');
          await page.waitForTimeout(300);
          const shown = plain((await rows.allInnerTexts()).join('\n'));
          return (/means something else/.test(shown) && /revenue\s*metric changed/.test(shown)) || shown;
        });
        await bench.sees('.sidebar', /\d+ queries mean something else/, 'Changed Meaning');
        await bench.shot(shots, 'comparison');
      });
      await tell('both statements, by keys alone', bench, async () => {
        // The view has the keyboard: a heading, the definition that did it, a heading, the first query.
        await bench.eventually('a row has the focus', async () => {
          await page.keyboard.press('Home');
          for (let row = 0; row < 3; row++) await page.keyboard.press('ArrowDown');
          const focused = await page.locator('.pane-body .monaco-list-row.focused').allInnerTexts();
          return focused.some((text) => /means something else/.test(plain(text))) || focused.join('\n');
        });
        await page.keyboard.press('Enter');
        await page.locator('.monaco-diff-editor').first().waitFor();
        await bench.sees('.monaco-diff-editor .modified .view-lines', "'completed'");
        await bench.sees('.monaco-diff-editor .original .view-lines', "'cancelled'");
        await bench.sees('.tabs-container', '(HEAD ↔ now)');
      });
      await tell('how it differs, in words', bench, async () => {
        await bench.command('SMQ: Focus on Changed Meaning View');
        await page.keyboard.press('ArrowRight');
        await page.locator('.pane-body .monaco-list-row.focused[aria-expanded="true"] + .monaco-list-row[aria-level="3"]').first().waitFor();
        await page.keyboard.press('ArrowDown');
        await bench.eventually('a sentence', async () => {
          const focused = plain((await page.locator('.pane-body .monaco-list-row.focused').allInnerTexts()).join('\n'));
          return /filter/i.test(focused) || focused;
        });
      });
      await tell('to the definition that did it', bench, async () => {
        await page.keyboard.press('Home');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await page.locator('.tab.active[data-resource-name="sales.yml"]').waitFor();
      });
      await tell('as a report', bench, async () => {
        await bench.command('SMQ: Show Changed Meaning as a Report');
        const frame = await bench.view('.markdown-body, #markdown-preview, body.vscode-body h3');
        await bench.eventually('the report', async () => /What queries mean since HEAD/.test(await frame.locator('body').innerText()) || (await frame.locator('body').innerText()));
      });
      await tell('before saving, from the lens', bench, async () => {
        await bench.command('View: Close All Editors');
        git('commit', '-qam', 'as it is');
        await bench.command('SMQ: Compare Again');
        await bench.sees('.notifications-toasts', 'No query means something else');
        await bench.openFile('metrics/sales.yml');
        await bench.cursor('metrics/sales.yml', "= 'completed'^");
        for (const _ of "= 'completed'") await page.keyboard.press('Backspace');
        await page.keyboard.type("<> 'open'");
        await bench.lenses('Which queries change?');
        await page.keyboard.press('Control+Home');
        await page.locator('.codelens-decoration a', { hasText: 'Which queries change?' }).first().click();
        await bench.sees('.sidebar', /\d+ queries mean something else/, 'Compared with the saved files');
        await bench.command('SMQ: Close Comparison');
        await bench.eventually('the view is gone', async () => !plain((await page.locator('.sidebar').allInnerTexts()).join(' ')).includes('Changed Meaning'));
        await bench.command('File: Revert File');
      });
    } finally {
      await finish(tell, bench, [/not in a git repository/]);
    }
  },
};
