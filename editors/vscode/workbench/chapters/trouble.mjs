// What is in the way of a server, said with a button that cures it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish, installed, shop, vsix } from '../scene.mjs';
import { plain, python, tools, Workbench } from '../workbench.mjs';

export const chapters = {
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
