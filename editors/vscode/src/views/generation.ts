// From a comment to a query: asked of the server, looked at as a difference, then taken or left.
import { randomUUID } from 'node:crypto';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { type Log, words } from '../log';
import type { GeneratedQuery, GenerateParams, GenerateResult, Position } from '../protocol';
import type { Session } from '../session';

const SCHEME = 'smq-proposal';

/** One way to understand the question. */
interface Reading {
  meaning: string;
  queries: readonly GeneratedQuery[];
  edits: vscode.TextEdit[];
}

interface Proposal {
  source: vscode.Uri;
  uri: vscode.Uri;
  /** The text that the edits are for. */
  before: string;
  after: string;
  /** All of them; the first is what the model holds most likely. */
  readings: Reading[];
  reading: Reading;
}

export class Generation implements vscode.TextDocumentContentProvider {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  #proposal: Proposal | undefined;
  #number = 0;

  constructor(
    context: vscode.ExtensionContext,
    private readonly session: Session,
    private readonly log: Log,
  ) {
    context.subscriptions.push(this.#changed, vscode.workspace.registerTextDocumentContentProvider(SCHEME, this));
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#proposal?.uri.toString() === uri.toString() ? this.#proposal.after : '';
  }

  /** From a code action with a place, or from the cursor. */
  async start(args: readonly unknown[]): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      const answer = await vscode.window.showWarningMessage('A language model is asked only in a workspace that you trust.', 'Manage Trust');
      if (answer) await vscode.commands.executeCommand('workbench.trust.manage');
      return;
    }
    const client = await this.session.ready();
    if (!client?.has('smq/generate')) {
      void vscode.window.showWarningMessage(client ? 'This language server cannot generate queries; install a newer one.' : 'The language server does not run.');
      return;
    }
    const place = args[0] as { uri: string; position: Position } | undefined;
    const editor = vscode.window.activeTextEditor;
    if (place?.uri !== undefined) {
      await this.#generate({ uri: place.uri, position: place.position });
      return;
    }
    if (!editor) return;
    const uri = client.uriOf(editor.document.uri);
    const { line, character } = editor.selection.active;
    if (isComment(editor.document.lineAt(line).text)) {
      await this.#generate({ uri, position: { line, character } });
      return;
    }
    const question = await vscode.window.showInputBox({
      title: 'Generate a query',
      prompt: 'What do you want to know? A comment above a query is taken by itself when the cursor is in it.',
      placeHolder: 'Revenue by store and month in 2024',
      ignoreFocusOut: true,
    });
    if (question) await this.#generate({ uri, question });
  }

  /** Put the query into the file, as one step to undo. */
  async accept(): Promise<void> {
    const proposal = this.#proposal;
    if (!proposal) return;
    const document = await vscode.workspace.openTextDocument(proposal.source);
    if (document.getText() !== proposal.before) {
      void vscode.window.showWarningMessage('The file has changed since; generate the query again.');
      await this.discard();
      return;
    }
    const edit = new vscode.WorkspaceEdit();
    edit.set(proposal.source, proposal.reading.edits);
    await vscode.workspace.applyEdit(edit);
    await this.discard();
    await vscode.window.showTextDocument(document, { preview: false });
  }

  /** Propose what the question means in another reading. */
  async choose(): Promise<void> {
    const proposal = this.#proposal;
    if (!proposal) return;
    const chosen = await pick(proposal.readings, proposal.reading);
    if (chosen && this.#proposal === proposal) await this.#show(proposal.source, proposal.before, proposal.readings, chosen, chosen.meaning);
  }

  async discard(): Promise<void> {
    const proposal = this.#proposal;
    this.#proposal = undefined;
    await vscode.commands.executeCommand('setContext', 'smq.hasProposal', false);
    await vscode.commands.executeCommand('setContext', 'smq.hasReadings', false);
    if (!proposal) return;
    const tabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter((tab) => tab.input instanceof vscode.TabInputTextDiff && tab.input.modified.toString() === proposal.uri.toString());
    await vscode.window.tabGroups.close(tabs);
  }

  async #generate(params: GenerateParams): Promise<void> {
    const client = this.session.client;
    if (!client) return;
    let result: GenerateResult;
    try {
      result = await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Notification, title: 'Generating a query', cancellable: true },
        async (progress, token) => {
          const workDoneToken = randomUUID();
          const follow = client.progress(workDoneToken, ({ message }) => progress.report(message === undefined ? {} : { message }));
          try {
            return await client.ask('smq/generate', { ...params, workDoneToken }, token);
          } finally {
            follow.dispose();
          }
        },
      );
    } catch (error) {
      if (error instanceof vscode.CancellationError || /^cancell?ed\.?$/i.test(words(error))) return;
      this.log.warn(words(error));
      await this.#refused(words(error));
      return;
    }
    if (result.status !== 'generated') {
      const near = (result.nearest ?? []).map((metric) => (metric.label ? `${metric.label} (${metric.name})` : metric.name));
      const answer = await vscode.window.showWarningMessage(`${result.message}${near.length > 0 ? ` Nearest: ${near.join(', ')}.` : ''}`, 'Find a Metric');
      if (answer) await vscode.commands.executeCommand('smq.filterTree');
      return;
    }
    await this.#propose(params, result);
  }

  async #propose(params: GenerateParams, result: GenerateResult): Promise<void> {
    const client = this.session.client;
    if (!client) return;
    const source = client.toUri(params.uri);
    const document = await vscode.workspace.openTextDocument(source);
    const before = document.getText();
    const read = (meaning: string, queries: readonly GeneratedQuery[], edits: GenerateResult['edits']): Reading => ({
      meaning,
      queries,
      edits: (edits ?? []).map((edit) => new vscode.TextEdit(client.toRange(edit.range), edit.newText)),
    });
    const readings = [
      read(result.message || 'The question as it was understood', result.queries ?? [], result.edits),
      ...(result.alternatives ?? []).map((one) => read(one.meaning, [one.query], one.edits)),
    ];
    const [first] = readings;
    if (!first) return;
    if (first.edits.length === 0) {
      // A question without a comment: the queries become a file of their own.
      const chosen = readings.length > 1 ? await pick(readings, first) : first;
      if (!chosen) return;
      const queries = chosen.queries.map((query) => query.smq);
      const content = `${JSON.stringify(queries.length === 1 ? queries[0] : queries, null, 2)}\n`;
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: 'smq', content }));
      return;
    }
    if (result.version !== null && result.version !== undefined && result.version !== document.version) {
      void vscode.window.showWarningMessage('The file has changed while the query was generated; generate it again.');
      return;
    }
    const notes = [result.message, ...(result.assumptions ?? []).map((one) => `Assumed: ${one}`), ...(result.adjustments ?? [])].filter(Boolean);
    await this.#show(source, before, readings, first, notes.join(' ') || 'The query compiles.');
  }

  /** One reading as a difference, with what there is to do about it. */
  async #show(source: vscode.Uri, before: string, readings: Reading[], reading: Reading, notes: string): Promise<void> {
    await this.discard();
    const document = await vscode.workspace.openTextDocument(source);
    const uri = vscode.Uri.from({ scheme: SCHEME, path: source.path, query: String(++this.#number) });
    this.#proposal = { source, uri, before, after: applied(document, reading.edits), readings, reading };
    await vscode.commands.executeCommand('setContext', 'smq.hasProposal', true);
    await vscode.commands.executeCommand('setContext', 'smq.hasReadings', readings.length > 1);
    await vscode.commands.executeCommand('vscode.diff', source, uri, `${path.posix.basename(source.path)} ↔ generated`, { preview: true });
    const others = readings.length > 1 ? [`Other Readings (${readings.length - 1}) …`] : [];
    const answer = await vscode.window.showInformationMessage(notes, 'Accept', ...others, 'Discard');
    if (answer === undefined || this.#proposal?.uri.toString() !== uri.toString()) return;
    if (answer === 'Accept') await this.accept();
    else if (answer === 'Discard') await this.discard();
    else await this.choose();
  }

  async #refused(reason: string): Promise<void> {
    const configuration = this.session.status?.workspaces[0]?.configuration;
    const answer = await vscode.window.showWarningMessage(reason, ...(configuration ? ['Open Configuration'] : []));
    if (answer && configuration) await vscode.window.showTextDocument(vscode.Uri.parse(configuration));
  }
}

/** Which reading of a question is meant; `current` is the one that is proposed by now. */
async function pick(readings: readonly Reading[], current: Reading): Promise<Reading | undefined> {
  const picks = readings.map((reading) => ({
    label: reading.meaning,
    description: reading === current ? 'proposed now' : '',
    detail: reading.queries.map((query) => query.columns.join(', ')).join(' · '),
    reading,
  }));
  const chosen = await vscode.window.showQuickPick(picks, { title: 'What does the question mean?', matchOnDetail: true, ignoreFocusOut: true });
  return chosen?.reading;
}

/** Whether a line holds a comment, after which the server looks for the whole of it. */
export function isComment(line: string): boolean {
  return /^\s*(?:\/\/|\/\*|\*)/.test(line) || /\/\/[^"]*$/.test(line);
}

/** The text after edits that do not overlap. */
export function applied(document: Pick<vscode.TextDocument, 'getText' | 'offsetAt'>, edits: readonly vscode.TextEdit[]): string {
  return [...edits]
    .sort((one, other) => document.offsetAt(other.range.start) - document.offsetAt(one.range.start))
    .reduce((text, edit) => text.slice(0, document.offsetAt(edit.range.start)) + edit.newText + text.slice(document.offsetAt(edit.range.end)), document.getText());
}
