// The first minutes of somebody who has nothing: from the .vsix to SQL, and what was logged meanwhile.
import { join } from 'node:path';
import { finish, installed, vsix } from '../scene.mjs';
import { PATIENCE, plain, Workbench } from '../workbench.mjs';

export const chapters = {
  async 'from a clean profile'(tell) {
    const bench = await Workbench.open({ vsix, path: installed, trust: true, fresh: true });
    const { page } = bench;
    const since = (from) => (Date.now() - from) / 1000;
    const query = 'queries/loan_to_deposit.smq.json';
    let from = Date.now();
    try {
      await tell('an empty window', bench, async () => {
        await bench.load(undefined, true);
        return { seconds: { toInstall: bench.installing, toTheWindow: since(from) } };
      });
      await tell('an example', bench, async () => {
        from = Date.now();
        await bench.command('SMQ: Open an Example Workspace');
        const input = page.locator('.quick-input-widget input.input');
        await bench.eventually('a folder is asked for', async () => /A folder that gets a new folder smq-example/.test(plain(await page.locator('.quick-input-widget').innerText())), 4 * PATIENCE);
        await input.fill(`${bench.root}/`);
        await page.keyboard.press('Enter');
        // Nobody has said yet that it is to be trusted, and nothing below needs it.
        await bench.sees('.explorer-folders-view', 'queries', 'smq.toml');
        await bench.sees('.statusbar', 'Restricted Mode');
        bench.folder = join(bench.root, 'smq-example');
        return { seconds: since(from) };
      });
      await tell('first findings', bench, async () => {
        from = Date.now();
        await bench.openFile(query);
        // The panel for chats takes the keyboard while it loads.
        await bench.lenses();
        const seconds = { untilItIsUnderstood: since(from) };
        await bench.cursor(query, '"month_end_balance^"');
        from = Date.now();
        await page.keyboard.type('s');
        await page.locator('.squiggly-error').first().waitFor();
        seconds.fromTheWrongLetter = since(from);
        await page.keyboard.press('Control+z');
        await bench.eventually('no findings are left', async () => (await page.locator('.squiggly-error').count()) === 0);
        return { seconds };
      });
      await tell('hover with SQL', bench, async () => {
        from = Date.now();
        await page.keyboard.press('Control+k');
        await page.keyboard.press('Control+i');
        await bench.sees('.monaco-hover:not(.hidden)', 'SELECT', 'bank.acct_bal_snap');
        return { seconds: since(from) };
      });
      await tell('the server has a log', bench, async () => {
        const [name] = Object.keys(bench.logs()).filter((one) => one.endsWith('/SMQ.log'));
        const text = name ? bench.logs()[name] : '';
        if (!/Starting .* lsp/.test(text) || !/SMQ \S+ runs\./.test(text)) throw new Error(text || 'no log');
      });
    } finally {
      // What was under way in the empty window when the example took its place.
      const left = [/join\.disconnectRemote/, /: Canceled$/, /^\/console: .*An unknown error occurred/];
      await finish(tell, bench, left, true);
    }
  },
};
