// The results view: runs a query and shows its rows in the panel at the bottom.
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { type Log, words } from '../log';
import type { RunParams, RunResult } from '../protocol';
import type { Session } from '../session';
import { counted, csv } from './cells';
import { page, webviewOptions } from './html';
import type { FromResults, ToResults } from './messages';
import type { Pages } from './pages';

const BODY = `
<header>
  <h1 id="title">No query was run yet</h1>
  <div role="toolbar" aria-label="Results">
    <button type="button" id="again" hidden>Run again</button>
    <button type="button" id="cancel" hidden>Cancel</button>
    <button type="button" id="sql" hidden>Show SQL</button>
    <button type="button" id="copy" hidden title="All rows with their names, for a spreadsheet">Copy all</button>
    <button type="button" id="export" hidden>Export CSV</button>
  </div>
</header>
<p id="status" role="status" aria-live="polite">Put the cursor into a query and press Ctrl+Enter.</p>
<div id="grid" role="grid" aria-labelledby="title" hidden></div>
`;

interface Question {
  params: RunParams;
  title: string;
}

export class Results implements vscode.WebviewViewProvider {
  static readonly id = 'smq.results';
  #view: vscode.WebviewView | undefined;
  #isReady = false;
  #last: ToResults | undefined;
  #result: RunResult | undefined;
  #question: Question | undefined;
  #running: vscode.CancellationTokenSource | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly session: Session,
    private readonly pages: Pages,
    private readonly log: Log,
  ) {
    context.subscriptions.push(
      vscode.window.registerWebviewViewProvider(Results.id, this, { webviewOptions: { retainContextWhenHidden: true } }),
    );
  }

  /** What is shown now; for tests of the whole. */
  get shown(): ToResults | undefined {
    return this.#last;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    this.#isReady = false;
    view.webview.options = webviewOptions(this.context.extensionUri);
    view.webview.onDidReceiveMessage((message: FromResults) => void this.#received(message));
    view.onDidDispose(() => {
      this.#view = undefined;
    });
    view.webview.html = page(view.webview, this.context.extensionUri, 'results', 'SMQ results', BODY);
  }

  /** Run a query and show its rows; a run that goes on is cancelled. */
  async run(params: RunParams, title: string): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      const answer = await vscode.window.showWarningMessage('Queries run only in a workspace that you trust.', 'Manage Trust');
      if (answer) await vscode.commands.executeCommand('workbench.trust.manage');
      return;
    }
    this.#running?.cancel();
    const running = new vscode.CancellationTokenSource();
    this.#running = running;
    this.#question = { params, title };
    await vscode.commands.executeCommand(`${Results.id}.focus`, { preserveFocus: true });
    this.#show({ type: 'loading', title });
    const client = await this.session.ready();
    if (!client) {
      this.#show({ type: 'failed', title, message: 'The language server does not run. Restart it, or look into the log.' });
      return;
    }
    const token = randomUUID();
    const progress = client.progress(token, ({ message }) => message && this.#show({ type: 'progress', message }));
    try {
      const limit = vscode.workspace.getConfiguration('smq').get<number>('results.rowLimit', 1000);
      const result = await client.ask('smq/run', { limit, ...params, workDoneToken: token }, running.token);
      if (this.#running !== running) return;
      this.#result = result;
      this.log.info(`${title}: ${counted(result.rows.length, 'row')} in ${result.elapsed.toFixed(2)} s`);
      this.#show({ type: 'result', title, result });
    } catch (error) {
      if (this.#running !== running) return;
      if (running.token.isCancellationRequested) this.#show({ type: 'cancelled' });
      else this.#show({ type: 'failed', title, message: words(error) });
    } finally {
      progress.dispose();
      running.dispose();
      if (this.#running === running) this.#running = undefined;
    }
  }

  #show(message: ToResults): void {
    if (message.type !== 'progress') this.#last = message;
    if (this.#isReady) void this.#view?.webview.postMessage(message);
  }

  async #received(message: FromResults): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        if (this.#last) void this.#view?.webview.postMessage(this.#last);
        return;
      case 'copy':
        await vscode.env.clipboard.writeText(message.text);
        vscode.window.setStatusBarMessage(`Copied ${message.what}`, 3000);
        return;
      case 'cancel':
        this.#running?.cancel();
        return;
      case 'again':
        if (this.#question) await this.run(this.#question.params, this.#question.title);
        return;
      case 'sql':
        await this.#showSql();
        return;
      case 'export':
        await this.#export(message.order);
    }
  }

  /** The SQL that was run, which may by now be another than the query's. */
  async #showSql(): Promise<void> {
    if (!this.#result) return;
    const page = this.pages.put(`${this.#question?.title ?? 'result'}.sql`, `${this.#result.sql}\n`);
    await vscode.window.showTextDocument(page, { preview: true });
  }

  async #export(shown: readonly number[]): Promise<void> {
    const result = this.#result;
    if (!result) return;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const name = `${(this.#question?.title ?? 'result').replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_+|_+$/g, '').slice(0, 60) || 'result'}.csv`;
    const target = await vscode.window.showSaveDialog({
      filters: { CSV: ['csv'] },
      ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, name) } : {}),
      title: 'Export rows as CSV',
    });
    if (!target) return;
    const mark = vscode.workspace.getConfiguration('smq').get<boolean>('results.byteOrderMark', false) ? '\uFEFF' : '';
    const rows = shown.map((index) => result.rows[index] ?? []);
    const text = mark + csv(result.columns.map((column) => column.name), rows);
    try {
      await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
    } catch (error) {
      void vscode.window.showErrorMessage(`${vscode.workspace.asRelativePath(target)} could not be written: ${words(error)}`);
      return;
    }
    const answer = await vscode.window.showInformationMessage(`${counted(rows.length, 'row')} are in ${vscode.workspace.asRelativePath(target)}.`, 'Open');
    if (answer) await vscode.window.showTextDocument(target);
  }
}
