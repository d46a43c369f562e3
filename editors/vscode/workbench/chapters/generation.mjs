// From a comment to a query, by way of an endpoint that answers as a model once did.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish, installed, shop, shots, vsix } from '../scene.mjs';
import { plain, python, repository, Workbench } from '../workbench.mjs';

export const chapters = {
  async 'from a question to a query'(tell) {
    // What a model once said, through the real protocol on loopback.
    const answer = {
      answerable: true,
      reason: 'Revenue of each country, the largest first.',
      queries: [{ metrics: ['revenue'], groupBy: ['stores__country'], filters: [], orderBy: ['-revenue'], limit: null }],
      assumptions: ['the country of the store, not of the customer'],
      alternatives: [{ meaning: 'The country of the customer', query: { metrics: ['revenue'], groupBy: ['customers__country'], filters: [], orderBy: ['-revenue'], limit: null } }],
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
      await tell('another reading, chosen by keys, and one step to undo', bench, async () => {
        await bench.command('SMQ: Generate Query from Comment');
        await bench.sees('.notifications-toasts', 'Other Readings (1)');
        await bench.notice('Other Readings').click();
        await bench.sees('.quick-input-list', 'Revenue of each country', 'proposed now', 'The country of the customer', 'customers__country');
        await page.keyboard.press('ArrowDown');
        await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: 'The country of the customer' }).first().waitFor();
        await bench.shot(shots, 'readings');
        await page.keyboard.press('Enter');
        await bench.sees('.monaco-diff-editor .modified', 'customers__country');
        await bench.command('SMQ: Accept Generated Query');
        await page.locator('.monaco-diff-editor').first().waitFor({ state: 'detached' });
        await bench.eventually('that query is in the file', async () => /customers__country/.test(await text()) || (await text()));
        await page.keyboard.press('Control+1');
        await page.keyboard.press('Control+z');
        await bench.eventually('the comment alone', async () => !/customers__country/.test(await text()) || (await text()));
      });
    } finally {
      await finish(tell, bench);
      endpoint.stdin.end();
    }
  },
};
