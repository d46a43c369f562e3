// Where a number comes from: a graph, and the same as a list, in a panel beside the text.
import * as vscode from 'vscode';
import { words } from '../log';
import type { LineageParams, LineageResult } from '../protocol';
import type { Session } from '../session';
import { page, webviewOptions } from './html';
import type { FromLineage, ToLineage } from './messages';

const BODY = `
<header>
  <h1 id="title">Lineage</h1>
  <div role="group" aria-label="Shown as">
    <button type="button" id="as-graph" aria-pressed="true">Graph</button>
    <button type="button" id="as-list" aria-pressed="false">List</button>
  </div>
</header>
<p id="status" role="status" aria-live="polite"></p>
<div id="graph" role="group" aria-labelledby="title"></div>
<div id="list" hidden></div>
`;

export class Lineage {
  #panel: vscode.WebviewPanel | undefined;
  #isReady = false;
  #last: ToLineage | undefined;
  #result: LineageResult | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly session: Session,
  ) {}

  get shown(): ToLineage | undefined {
    return this.#last;
  }

  async show(params: LineageParams): Promise<void> {
    const client = await this.session.ready();
    if (!client) {
      void vscode.window.showWarningMessage('The language server does not run, so nothing is known about this.');
      return;
    }
    let result: LineageResult;
    try {
      result = await client.ask('smq/lineage', params);
    } catch (error) {
      void vscode.window.showWarningMessage(words(error));
      return;
    }
    const root = result.nodes.find((node) => node.id === result.root);
    if (result.nodes.length === 0) {
      void vscode.window.showInformationMessage('There is nothing here with a lineage: put the cursor on a metric, a measure, a dimension or a query.');
      return;
    }
    this.#result = result;
    const title = root ? (root.label && root.label !== root.name ? `${root.label} (${root.name})` : root.name) : 'Lineage';
    this.#reveal(root?.name ?? 'Lineage');
    this.#send({ type: 'lineage', title, result });
  }

  #reveal(name: string): void {
    const title = `Lineage: ${name}`;
    if (this.#panel) {
      this.#panel.title = title;
      this.#panel.reveal(undefined, false);
      return;
    }
    const panel = vscode.window.createWebviewPanel('smq.lineage', title, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: false }, {
      ...webviewOptions(this.context.extensionUri),
      retainContextWhenHidden: true,
    });
    this.#panel = panel;
    this.#isReady = false;
    panel.iconPath = vscode.Uri.joinPath(this.context.extensionUri, 'icons', 'activity.svg');
    panel.onDidDispose(() => {
      this.#panel = undefined;
    });
    panel.webview.onDidReceiveMessage((message: FromLineage) => void this.#received(message));
    panel.webview.html = page(panel.webview, this.context.extensionUri, 'lineage', 'SMQ lineage', BODY);
  }

  #send(message: ToLineage): void {
    this.#last = message;
    if (this.#isReady) void this.#panel?.webview.postMessage(message);
  }

  async #received(message: FromLineage): Promise<void> {
    if (message.type === 'ready') {
      this.#isReady = true;
      if (this.#last) void this.#panel?.webview.postMessage(this.#last);
      return;
    }
    const node = this.#result?.nodes.find((one) => one.id === message.id);
    const client = this.session.client;
    if (!node?.location || !client) {
      vscode.window.setStatusBarMessage(`${node?.name ?? 'This'} is not defined in a file of the workspace`, 4000);
      return;
    }
    await vscode.window.showTextDocument(client.toUri(node.location.uri), {
      selection: client.toRange(node.location.range),
      viewColumn: vscode.ViewColumn.One,
    });
  }
}
