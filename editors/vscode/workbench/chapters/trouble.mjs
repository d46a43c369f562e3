// What is in the way of a server, said with a button that cures it.
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, installed, shop, shots, vsix } from '../scene.mjs';
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
        await bench.notice('Install').click();
        await bench.lenses('Compile', 240_000);
        return { seconds: (Date.now() - from) / 1000 };
      });
      await tell('the example has no findings', bench, () => bench.noFindings());
    } finally {
      await finish(tell, bench, [/SMQ is not installed in the Python of this workspace/]);
    }
  },

  async 'a server that falls over'(tell) {
    // A server that works for a second and is gone, as long as a file says so.
    const directory = mkdtempSync(join(tmpdir(), 'smq-fall-'));
    const falling = join(directory, 'falling');
    writeFileSync(falling, '');
    const fall = `
import os, runpy, sys, threading, time
def fall():
    while "smq.sql.compile" not in sys.modules:
        time.sleep(0.05)
    time.sleep(1)
    os._exit(7)
if os.path.exists(${JSON.stringify(falling)}):
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
        await bench.shot(shots, 'crashes');
        await bench.notice('Copy Debug Information').click();
        await bench.eventually('the clipboard says it', async () => {
          const text = await page.evaluate(() => navigator.clipboard.readText());
          return /server failed \(crashes\)/.test(text) || text;
        });
      });
      await tell('the views say so as well, and restart it', bench, async () => {
        await bench.command('Notifications: Clear All Notifications');
        await bench.command('SMQ: Focus on Models and Metrics View');
        await bench.sees('.sidebar', 'The language server does not run.');
        rmSync(falling);
        await page.locator('.sidebar .monaco-button', { hasText: 'Restart Language Server' }).first().click();
        await bench.lenses();
        await bench.sees('.pane-body .monaco-list', 'Metrics', 'revenue');
      });
      await tell('falling again, it is restarted by the button of the message', bench, async () => {
        writeFileSync(falling, '');
        await bench.command('SMQ: Restart Language Server');
        await bench.eventually('it is said again', async () => /stopped 5 times/.test(await bench.notices()) || (await bench.notices()), 120_000);
        rmSync(falling);
        await bench.notice('Restart').click();
        await bench.lenses();
      });
      await tell('a command that is none', bench, async () => {
        await bench.command('Notifications: Clear All Notifications');
        writeFileSync(join(bench.data, 'Machine', 'settings.json'), JSON.stringify({ 'smq.server.command': ['/no/such/program'] }));
        await bench.sees('.notifications-toasts', 'there is no program /no/such/program', 'Open Setting');
        await bench.notice('Open Setting').click();
        await bench.sees('.settings-editor', 'Server: Command', 'The command that starts the language server');
      });
      await tell('without it, the server is found', bench, async () => {
        writeFileSync(join(bench.data, 'Machine', 'settings.json'), '{}');
        await bench.command('View: Close All Editors');
        await bench.openFile('sales_by_store.smq.json');
        await bench.lenses();
      });
    } finally {
      await bench.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },

  async 'a server that is too old'(tell) {
    const directory = mkdtempSync(join(tmpdir(), 'smq-old-'));
    program(join(directory, 'smq'), 'echo "smq 0.0.9"');
    const bench = await Workbench.open({
      workspace: shop,
      vsix,
      path: [directory],
      environment: { PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(tools, 'wheels'), PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    try {
      await bench.load();
      await tell('it is said which, and what is needed', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.sees('.notifications-toasts', `SMQ 0.0.9 (${join(directory, 'smq')}) is too old for this extension, which needs 0.1.0.`, 'Install Its Own');
      });
      await tell('one click installs one that fits', bench, async () => {
        await bench.notice('Install Its Own').click();
        await bench.lenses('Compile', 240_000);
      });
      await tell('the example has no findings', bench, () => bench.noFindings());
    } finally {
      await finish(tell, bench, [/is too old for this extension/]);
      rmSync(directory, { recursive: true, force: true });
    }
  },

  async 'no Python'(tell) {
    // A PATH with nothing but what starts the window; the directory gets its Pythons as we go.
    const directory = mkdtempSync(join(tmpdir(), 'smq-python-'));
    for (const name of ['sh', 'bash', 'env', 'uname', 'cat', 'ps', 'sed', 'dirname', 'readlink']) {
      const at = ['/usr/bin', '/bin'].map((one) => join(one, name)).find(existsSync);
      if (at) symlinkSync(at, join(directory, name));
    }
    const bench = await Workbench.open({ workspace: shop, vsix, environment: { PATH: directory } });
    const { page } = bench;
    try {
      await bench.load();
      await tell('it is said, with what to do', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        await bench.sees('.notifications-toasts', 'SMQ needs Python 3.11 or newer, and there is none on the PATH.', 'Try Again', 'How to Install Python', 'Set Path');
        await bench.shot(shots, 'no-python');
        await bench.notice('How to Install Python').click();
        await bench.sees('.gettingStartedContainer', 'Get started with SMQ', 'Have a language server');
        await bench.command('View: Close All Editors');
      });
      await tell('one that is too old is named', bench, async () => {
        await bench.openFile('sales_by_store.smq.json');
        const old = join(directory, 'python3');
        program(old, `echo '{"executable": "${old}", "python": "3.8.1", "server": null}'`);
        await bench.command('SMQ: Restart Language Server');
        await bench.sees('.notifications-toasts', `this machine has Python 3.8.1 (${old})`);
      });
      await tell('with one that has the server, trying again starts it', bench, async () => {
        program(join(directory, 'python3'), `exec '${python}' "$@"`);
        await bench.notice('Try Again').click();
        await bench.lenses();
        await page.keyboard.press('Control+1');
      });
    } finally {
      await finish(tell, bench, [/SMQ needs Python 3.11 or newer/]);
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

function program(file, script) {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}
