// The server in the language status, and the age of the warehouse's metadata in the status bar.
import * as vscode from 'vscode';
import { DOCUMENTS } from '../languages';
import type { MetasyncStatus } from '../protocol';
import { message } from '../server/messages';
import { short } from '../server/processes';
import type { State } from '../server/supervisor';
import type { Session } from '../session';

export class Status {
  readonly #server = vscode.languages.createLanguageStatusItem('smq.server', DOCUMENTS);
  readonly #metasync = vscode.window.createStatusBarItem('smq.metasync', vscode.StatusBarAlignment.Right, 90);

  constructor(
    context: vscode.ExtensionContext,
    private readonly session: Session,
  ) {
    this.#server.name = 'SMQ Language Server';
    this.#metasync.name = 'SMQ Warehouse Metadata';
    this.#metasync.command = 'smq.metasync';
    context.subscriptions.push(
      this.#server,
      this.#metasync,
      session.onDidChangeState((state) => this.#show(state)),
      session.onDidChangeStatus(() => this.#showMetasync()),
      vscode.window.onDidChangeActiveTextEditor(() => this.#showMetasync()),
    );
    // The age grows by itself.
    const timer = setInterval(() => this.#showMetasync(), 60_000);
    context.subscriptions.push({ dispose: () => clearInterval(timer) });
    this.#show(session.supervisor.state);
  }

  #show(state: State): void {
    this.#server.busy = state.kind === 'starting';
    this.#server.severity = vscode.LanguageStatusSeverity.Information;
    switch (state.kind) {
      case 'stopped':
      case 'starting':
        this.#server.text = 'SMQ';
        this.#server.detail = 'the language server is starting';
        this.#server.command = { title: 'Show Log', command: 'smq.showLog' };
        break;
      case 'running':
        this.#server.text = `SMQ ${this.session.client?.initialized?.serverInfo?.version ?? ''}`.trim();
        this.#server.detail = short(state.server.command);
        this.#server.command = { title: 'Restart', command: 'smq.restart' };
        break;
      case 'failed': {
        const { title, buttons } = message(state.trouble, vscode.extensions.getExtension('ms-python.python') !== undefined);
        this.#server.severity = vscode.LanguageStatusSeverity.Error;
        this.#server.text = `SMQ: ${title}`;
        this.#server.detail = '';
        const [button] = buttons;
        if (button) this.#server.command = { title: button.title, command: button.command, arguments: button.arguments ?? [] };
      }
    }
  }

  #showMetasync(): void {
    const metasync = this.session.status?.metasync;
    const isOurs = vscode.window.activeTextEditor !== undefined && vscode.languages.match(DOCUMENTS, vscode.window.activeTextEditor.document) > 0;
    if (!metasync || (metasync.state === 'not configured' && !isOurs)) return this.#metasync.hide();
    const said = describe(metasync);
    this.#metasync.text = said.text;
    this.#metasync.tooltip = new vscode.MarkdownString(said.details.join('\n\n'));
    this.#metasync.accessibilityInformation = { label: said.spoken };
    this.#metasync.backgroundColor = said.isWarning ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#metasync.show();
  }
}

/** The cache in a few words, and in sentences. */
export function describe(metasync: MetasyncStatus): { text: string; spoken: string; details: string[]; isWarning: boolean } {
  const old = metasync.age === null || metasync.age === undefined ? '' : age(metasync.age);
  const details = [
    metasync.source && `Source: ${metasync.source}`,
    old && `The warehouse was read ${old === 'now' ? 'just now' : `${old} ago`}.`,
    metasync.tables !== null && metasync.tables !== undefined && `${metasync.tables.toLocaleString('en-US')} tables`,
    metasync.reason,
  ].filter((line): line is string => typeof line === 'string' && line !== '');
  const spoken = `Warehouse metadata: ${metasync.state}${old ? `, ${old} old` : ''}`;
  switch (metasync.state) {
    case 'not configured':
      return { text: '$(database) MetaSync off', spoken, details: ['Names and columns of the real warehouse are not known here.', ...details], isWarning: false };
    case 'loading':
      return { text: '$(sync~spin) MetaSync', spoken, details: ['The metadata cache is being read.', ...details], isWarning: false };
    case 'fresh':
      return { text: `$(database) MetaSync ${old}`.trim(), spoken, details, isWarning: false };
    case 'stale':
      return { text: `$(history) MetaSync ${old}`.trim(), spoken, details: ['The metadata is older than it should be; the last good copy is in use.', ...details], isWarning: true };
    case 'failed':
      return { text: '$(warning) MetaSync', spoken, details: ['The metadata cache could not be read.', ...details], isWarning: true };
  }
}

export function age(seconds: number): string {
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
  ];
  for (const [size, unit] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return 'now';
}
