// A real Visual Studio Code for tests: the server on a scratch profile, the window in headless
// Chromium, and the keys of a person.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const extension = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const repository = resolve(extension, '../..');
export const tools = process.env.SMQ_EDITOR_TOOLS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'smq/editor-tools');

/** The oldest version that the manifest claims, in place of the newest: `SMQ_VSCODE=oldest`. */
const isOldest = process.env.SMQ_VSCODE === 'oldest';
const node = join(tools, isOldest ? 'bin-oldest/node' : 'bin/node');
const entry = join(tools, isOldest ? 'code-server-oldest' : 'code-server', 'node_modules/code-server/out/node/entry.js');
const browserProgram = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** How long a step may take on a busy machine; one that works ends at once. */
export const PATIENCE = 30_000;

/** What a person would have chosen to see no more than what is tested. */
const CALM = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'chat.disableAIFeatures': true,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'git.enabled': false,
  'editor.minimap.enabled': false,
  'editor.hover.delay': 100,
  'editor.accessibilitySupport': 'off',
  'files.refactoring.autoSave': false, // a rename is to be looked at, and to be taken back
  'files.autoSave': 'off', // in a browser it is on
  'window.confirmBeforeClose': 'never',
  'security.workspace.trust.banner': 'never',
};

/** What is missing to run this; empty if nothing is. */
export function missing() {
  if (!existsSync(entry) || !existsSync(node)) return `no Visual Studio Code in ${tools}: run editors/vscode/workbench/set-up.sh${isOldest ? ' --oldest' : ''}`;
  if (!browserProgram) return 'no chromium; name one in $CHROMIUM';
  return '';
}

/** Python of the environment that this repository is developed in. */
export const python = process.env.PYTHON ?? join(repository, '.venv/bin/python');

export class Workbench {
  problems = [];
  /** What the window's console was told as errors and warnings. */
  console = [];

  /**
   * Open a copy of a folder, or with `workspaces` of several in one window. `path`: directories before
   * the PATH of the machine; `trust`: ask for trust, as VS Code does by itself; `fresh`: the profile
   * of somebody who has just installed VS Code, without a single setting.
   */
  static async open({ workspace, workspaces = [], vsix, settings = {}, path = [], environment = {}, trust = false, fresh = false, width = 1360, height = 860, locale }) {
    const bench = new Workbench();
    bench.root = mkdtempSync(join(tmpdir(), 'smq-workbench-'));
    bench.folder = join(bench.root, workspace ? basename(workspace) : 'empty');
    if (workspace) cpSync(workspace, bench.folder, { recursive: true });
    else mkdirSync(bench.folder);
    for (const one of workspaces) cpSync(one, join(bench.folder, basename(one)), { recursive: true });
    if (workspaces.length > 0) {
      bench.several = join(bench.root, 'several.code-workspace');
      writeFileSync(bench.several, JSON.stringify({ folders: workspaces.map((one) => ({ path: join(bench.folder, basename(one)) })) }));
    }
    bench.data = join(bench.root, 'data');
    const chosen = JSON.stringify({ ...CALM, 'security.workspace.trust.enabled': trust, ...settings }, null, 2);
    for (const at of fresh ? [] : ['User', 'Machine']) {
      mkdirSync(join(bench.data, at), { recursive: true });
      writeFileSync(join(bench.data, at, 'settings.json'), chosen);
    }
    const env = {
      ...process.env,
      ...environment,
      HOME: bench.root,
      XDG_CONFIG_HOME: join(bench.root, 'config'),
      XDG_DATA_HOME: join(bench.root, 'share'),
      XDG_CACHE_HOME: join(bench.root, 'cache'),
      PATH: [...path, dirname(node), environment.PATH ?? process.env.PATH].join(delimiter),
      SHELL: '/bin/bash',
      EXTENSIONS_GALLERY: '{}', // nothing outside is asked for
    };
    for (const name of Object.keys(env)) if (name.startsWith('VSCODE_')) delete env[name];
    // The extension host has the environment of a login shell, whatever this process has.
    const exported = { ...environment, PATH: env.PATH };
    writeFileSync(join(bench.root, '.bash_profile'), Object.entries(exported).map(([name, value]) => `export ${name}='${value}'\n`).join(''));
    const profile = ['--user-data-dir', bench.data, '--extensions-dir', join(bench.root, 'extensions')];
    if (vsix) {
      const from = Date.now();
      const done = spawnSync(node, [entry, ...profile, '--install-extension', resolve(vsix)], { env, encoding: 'utf8' });
      if (done.status !== 0) throw new Error(`the extension does not install: ${done.stdout}${done.stderr}`);
      bench.installing = (Date.now() - from) / 1000;
    }
    bench.port = await freePort();
    const flags = ['--auth', 'none', '--bind-addr', `127.0.0.1:${bench.port}`, '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'];
    if (!trust) flags.push('--disable-workspace-trust');
    bench.said = '';
    const start = () => {
      bench.process = spawn(node, [entry, ...profile, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      for (const stream of [bench.process.stdout, bench.process.stderr]) stream.on('data', (data) => (bench.said += data));
    };
    start();
    try {
      await bench.#answers(start);
      bench.browser = await chromium.launch({
        executablePath: browserProgram,
        args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
      });
      const context = await bench.browser.newContext({
        viewport: { width, height },
        permissions: ['clipboard-read', 'clipboard-write'],
        ...(locale ? { locale } : {}),
      });
      bench.page = await context.newPage();
      bench.page.setDefaultTimeout(PATIENCE);
      bench.page.on('pageerror', (error) => bench.problems.push(String(error)));
      bench.page.on('console', (line) => {
        if (['error', 'warning'].includes(line.type())) bench.console.push(`[${line.type()}] ${line.text()} ${line.location().url}`);
      });
    } catch (error) {
      await bench.close();
      throw error;
    }
    return bench;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Load the window on the workspace, or on none; `payload` is VS Code's own, for tests in the extension host. */
  async load(payload, isEmpty = false) {
    const query = new URLSearchParams(isEmpty ? { ew: 'true' } : this.several ? { workspace: this.several } : { folder: this.folder });
    if (payload) query.set('payload', JSON.stringify(payload));
    // Not until all is loaded: what is looked at below is there long before, on a busy machine by half a minute.
    await this.page.goto(`${this.url}?${query}`, { waitUntil: 'commit', timeout: 60_000 });
    if (!payload) {
      await this.page.locator('.monaco-workbench .statusbar').first().waitFor({ timeout: 60_000 });
      await this.page.locator('.activitybar').first().waitFor();
    }
  }

  /** Run tests in the extension host; rejects when it takes too long, says how it ended otherwise. */
  async loadTests(extensionFolder, tests) {
    const ended = new Promise((done) => void this.page.exposeFunction('codeAutomationExit', done));
    await this.page.exposeFunction('codeAutomationLog', () => undefined);
    // A built VS Code looks at these parts of the address only when its smoke tests are on, which the
    // page is told among its settings.
    await this.page.addInitScript(() => {
      const watch = new MutationObserver(() => {
        const element = document.getElementById('vscode-workbench-web-configuration');
        if (!element) return;
        watch.disconnect();
        const settings = JSON.parse(element.dataset.settings);
        element.dataset.settings = JSON.stringify({ ...settings, developmentOptions: { ...settings.developmentOptions, enableSmokeTestDriver: true } });
      });
      watch.observe(document, { childList: true, subtree: true });
    });
    await this.load([
      ['extensionDevelopmentPath', this.remote(extensionFolder)],
      ['extensionTestsPath', this.remote(tests)],
      ['skipWelcome', 'true'],
    ]);
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`the tests do not end\n${this.said}`)), 240_000)));
    try {
      return await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  remote(path) {
    return `vscode-remote://127.0.0.1:${this.port}${path}`;
  }

  async close() {
    await this.browser?.close();
    try {
      process.kill(-this.process.pid, 'SIGTERM');
    } catch {
      // it has ended by itself
    }
    if (process.env.SMQ_KEEP) console.error(`kept: ${this.root}`);
    else rmSync(this.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  /**
   * What was logged by the extension host and by our channels, which hold what the server said; with
   * `every` also by VS Code itself, by its server and in the console of the window.
   */
  logs(every = false) {
    const found = every ? { '/console': this.console.join('\n'), '/code-server': this.said } : {};
    const visit = (directory) => {
      for (const item of readdirSync(directory, { withFileTypes: true })) {
        const path = join(directory, item.name);
        if (item.isDirectory()) visit(path);
        else if (item.name.endsWith('.log') && (every || /exthost|SMQ/.test(path))) found[path.slice(this.root.length)] = readFileSync(path, 'utf8');
      }
    };
    const logs = [join(this.data, 'logs'), ...(every ? [join(this.root, 'share/code-server/coder-logs')] : [])];
    for (const one of logs) if (existsSync(one)) visit(one);
    return found;
  }

  async eventually(what, check, patience = PATIENCE) {
    const end = Date.now() + patience;
    let seen;
    for (;;) {
      seen = await check().catch((error) => `${error}`);
      if (seen === true) return;
      if (Date.now() > end) throw new Error(`${what}: ${String(seen).slice(0, 600)}`);
      await this.page.waitForTimeout(60);
    }
  }

  /** Wait until a text is somewhere among the elements of a selector. */
  async sees(selector, ...wanted) {
    for (const text of wanted) {
      await this.eventually(`${selector} shows ${JSON.stringify(text)}`, async () => {
        const shown = plain((await this.page.locator(selector).allInnerTexts()).join('\n'));
        return text instanceof RegExp ? text.test(shown) || shown : shown.includes(text) || shown;
      });
    }
  }

  /** Through a quick pick: Enter only when the row that it takes is the wanted one. */
  async pick(text, row) {
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor({ state: 'visible' });
    await input.fill(text);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: row }).first().waitFor();
    await this.page.keyboard.press('Enter');
    // Another list may follow at once.
    await this.eventually(`${text} was taken`, async () => !(await input.isVisible()) || (await input.inputValue()) !== text);
  }

  /** The list of commands is what was known when it opened, so it may have to be opened again. */
  async command(title) {
    const input = this.page.locator('.quick-input-widget input.input');
    await this.eventually(`the command ${title}`, async () => {
      await this.page.keyboard.press('F1');
      try {
        // What was open may close a moment after this has opened, and takes it along.
        await input.waitFor({ state: 'visible', timeout: 5000 });
        await input.fill(`>${title}`, { timeout: 5000 });
        await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title }).first().waitFor({ timeout: 5000 });
      } catch {
        const rows = await this.page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
        await this.page.keyboard.press('Escape');
        return rows.join('\n') || 'no list of commands';
      }
      await this.page.keyboard.press('Enter');
      return true;
    });
    await this.eventually(`${title} was taken`, async () => !(await input.isVisible()) || (await input.inputValue()) !== `>${title}`);
  }

  /** A button of a notification. */
  notice(button) {
    return this.page.locator('.notifications-toasts .monaco-button', { hasText: button }).first();
  }

  /** What notifications say now. */
  async notices() {
    return plain((await this.page.locator('.notifications-toasts').allInnerTexts()).join('\n'));
  }

  /** Wait for words in the lenses above queries, which come from a server that runs. */
  async lenses(word = 'Compile', patience = PATIENCE) {
    await this.eventually('lenses come from the server', async () => {
      const shown = plain((await this.page.locator('.codelens-decoration').allInnerTexts()).join(' '));
      return shown.includes(word) || `${shown}\n${await this.notices()}`;
    }, patience);
  }

  /** Wait until the panel of problems has nothing to say about any file. */
  async noFindings() {
    await this.page.keyboard.press('Control+Shift+m');
    await this.sees('.markers-panel', 'No problems have been detected in the workspace.');
  }

  /** Choose a colour theme; `marker` is the class that the window then has. */
  async theme(name, marker) {
    const input = this.page.locator('.quick-input-widget input.input');
    await this.eventually(`${name} among the themes`, async () => {
      for (const keys of ['Control+1', 'Control+k', 'Control+t']) await this.page.keyboard.press(keys);
      try {
        await input.waitFor({ state: 'visible', timeout: 5000 });
        await input.fill(name, { timeout: 5000 });
        await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name }).first().waitFor({ timeout: 5000 });
      } catch {
        await this.page.keyboard.press('Escape');
        return 'no list of themes';
      }
      await this.page.keyboard.press('Enter');
      return true;
    });
    await this.page.locator(`.monaco-workbench.${marker}, .${marker} .monaco-workbench, body.${marker}`).first().waitFor();
  }

  async openFile(name) {
    const input = this.page.locator('.quick-input-widget input.input');
    await this.eventually(`${name} among the files`, async () => {
      await this.page.keyboard.press('Control+p');
      try {
        await input.waitFor({ state: 'visible', timeout: 5000 });
        await input.fill(name, { timeout: 5000 });
        await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: basename(name) }).first().waitFor({ timeout: 8000 });
      } catch {
        // A window that has just opened may still be looking for its files.
        const rows = await this.page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
        await this.page.keyboard.press('Escape');
        return rows.join('\n') || 'no list of files';
      }
      await this.page.keyboard.press('Enter');
      return true;
    }, 2 * PATIENCE);
    await this.page.locator(`.tab.active[data-resource-name="${basename(name)}"]`).waitFor();
    await this.page.keyboard.press('Control+1');
  }

  /** Put the cursor where `^` is in a text of the file, as it was opened. */
  async cursor(name, marked) {
    const text = readFileSync(join(this.folder, name), 'utf8');
    const index = text.indexOf(marked.replace('^', ''));
    if (index < 0) throw new Error(`${marked} is not in ${name}`);
    const before = text.slice(0, index + marked.indexOf('^')).split('\n');
    await this.page.keyboard.press('Control+g');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor({ state: 'visible' });
    await input.fill(`:${before.length}:${before.at(-1).length + 1}`);
    await this.page.keyboard.press('Enter');
    await input.waitFor({ state: 'hidden' });
  }

  /** The frame of a view of ours that is on the screen. */
  async view(marker) {
    let found;
    await this.eventually(`a view with ${marker}`, async () => {
      for (const frame of this.page.frames()) {
        if (frame.url().includes('fake.html') && (await frame.locator(marker).count()) > 0) {
          found = frame;
          return true;
        }
      }
      return this.page.frames().map((frame) => frame.url().slice(0, 80)).join('\n');
    });
    return found;
  }

  async shot(directory, name) {
    mkdirSync(directory, { recursive: true });
    await this.page.waitForTimeout(250); // what fades in is to be there
    await this.page.screenshot({ path: join(directory, `${name}.png`) });
  }

  /** Until it answers. Its two processes give each other ten seconds, which a busy machine exceeds. */
  async #answers(startAgain) {
    const end = Date.now() + 180_000;
    for (;;) {
      try {
        if ((await fetch(`${this.url}healthz`)).ok) return;
      } catch {
        // not yet
      }
      const hasEnded = this.process.exitCode !== null;
      if (Date.now() > end || (hasEnded && !/error timed out/.test(this.said))) throw new Error(`code-server does not start\n${this.said}`);
      if (hasEnded) {
        this.said = '';
        startAgain();
      }
      await new Promise((again) => setTimeout(again, 100));
    }
  }
}

/** Text of the screen as it is written in files. */
export function plain(text) {
  return text.replaceAll('\u00a0', ' ').replaceAll('·', ' ');
}

function freePort() {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}
