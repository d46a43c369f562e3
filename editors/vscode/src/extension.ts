// Where VS Code comes in: everything is made here and knows its neighbours by what it is given.
import * as path from 'node:path';
import * as vscode from 'vscode';
import { type Location, type Position } from 'vscode-languageclient/node';
import { debugInformation } from './debugInformation';
import { Log, words } from './log';
import { watchLanguages } from './languages';
import type { LineageParams, PromptParams, RunParams } from './protocol';
import { run } from './server/processes';
import { Session } from './session';
import { counted, size } from './views/cells';
import { Comparison, type Part } from './views/comparison';
import { type Explained, explanation } from './views/explanation';
import { Generation } from './views/generation';
import { Lineage } from './views/lineage';
import { Pages } from './views/pages';
import { Previews } from './views/preview';
import { Results } from './views/results';
import { Status } from './views/status';
import { type Item, reference, Tree } from './views/tree';

/** What tests of the whole look at. */
export interface Api {
  session: Session;
  previews: Previews;
  results: Results;
  lineage: Lineage;
  tree: Tree;
  comparison: Comparison;
  log: Log;
}

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const log = new Log();
  context.subscriptions.push(log);
  watchLanguages(context);
  const current = new Session(context, log);
  session = current;
  const previews = new Previews(context, current, log);
  const pages = new Pages(context);
  const results = new Results(context, current, pages, log);
  const lineage = new Lineage(context, current);
  const tree = new Tree(context, current, log);
  const comparison = new Comparison(context, current, pages);
  const generation = new Generation(context, current, log);
  new Status(context, current);

  const command = (name: string, action: (...args: never[]) => unknown): void => {
    context.subscriptions.push(vscode.commands.registerCommand(name, action));
  };

  command('smq.showSql', async () => {
    const editor = await queryEditor();
    if (editor) await previews.show(editor);
  });
  // The server's lenses name a query by its file and its place in it.
  command('smq.compile', async (uri: string, index: number) => {
    const editor = await editorAt(current, uri, index);
    if (editor) await previews.show(editor);
  });
  command('smq.run', async (uri?: unknown, index?: number) => {
    if (isRun(uri)) {
      if (uri.dryRun) await estimate(current, uri);
      else await results.run(uri, metricsOf(uri.smq) ?? (await titleOf(current, uri.uri, 0)));
      return;
    }
    if (typeof uri === 'string') {
      await results.run({ uri, query: index ?? 0 }, await titleOf(current, uri, index ?? 0));
      return;
    }
    const editor = await queryEditor();
    if (!editor) return;
    const { line, character } = editor.selection.active;
    const where = current.client?.uriOf(editor.document.uri) ?? editor.document.uri.toString();
    await results.run({ uri: where, query: { line, character } }, await titleOf(current, where, { line, character }));
  });
  command('smq.explain', async (uri?: unknown, index?: number) => {
    const editor = typeof uri === 'string' ? undefined : await queryEditor();
    if (typeof uri !== 'string' && !editor) return;
    const at = editor?.selection.active;
    const query = at ? { line: at.line, character: at.character } : (index ?? 0);
    const where = typeof uri === 'string' ? uri : (current.client?.uriOf((editor as vscode.TextEditor).document.uri) ?? '');
    try {
      const explained = (await current.ask('smq/explain', { uri: where, query })) as Explained | undefined;
      if (!explained) return;
      await vscode.commands.executeCommand('markdown.showPreviewToSide', pages.put('Explanation.md', explanation(explained)));
    } catch (error) {
      void vscode.window.showWarningMessage(words(error));
    }
  });
  command('smq.showLineage', async (item?: Item) => {
    const params = lineageOf(current, item);
    if (params) await lineage.show(params);
    else void vscode.window.showInformationMessage('Open a query or a model file and put the cursor on a name first.');
  });
  // The server's lens over a model file that is not saved yet names the file.
  command('smq.diff', (uri: string, base?: string) => comparison.start(base ?? 'saved', uri));
  command('smq.compareCommitted', () => comparison.start('HEAD'));
  command('smq.compareWith', () => comparison.start());
  command('smq.compareAgain', () => comparison.again());
  command('smq.closeComparison', () => comparison.close());
  command('smq.reportComparison', () => comparison.report());
  command('smq.openComparison', (part: Part) => comparison.open(part));
  command('smq.goToCompared', (part: Part) => comparison.goTo(part));
  command('smq.generate', (...args: unknown[]) => generation.start(args));
  command('smq.showPrompt', async (params: PromptParams) => {
    try {
      const prompt = await current.client?.ask('smq/prompt', params);
      if (prompt) await vscode.window.showTextDocument(pages.put('What would be sent.txt', prompt.text), { preview: true });
    } catch (error) {
      void vscode.window.showWarningMessage(words(error));
    }
  });
  command('smq.acceptProposal', () => generation.accept());
  command('smq.discardProposal', () => generation.discard());
  command('smq.chooseReading', () => generation.choose());
  command('smq.showReferences', (uri: string, position: Position, places: Location[]) => {
    const client = current.client;
    if (!client) return;
    const at = client.toRange({ start: position, end: position }).start;
    const found = places.map((place) => new vscode.Location(client.toUri(place.uri), client.toRange(place.range)));
    void vscode.commands.executeCommand('editor.action.showReferences', client.toUri(uri), at, found);
  });
  command('smq.newQuery', newQuery);
  command('smq.openExample', () => openExample(current));
  command('smq.metasync', () => showMetasync(current));
  command('smq.refreshCache', () => refreshCache(current));
  command('smq.refreshTree', () => tree.refresh());
  command('smq.filterTree', () => tree.find());
  command('smq.moreOfTree', (item: Item) => (item?.kind === 'more' ? tree.more(item) : undefined));
  command('smq.copyName', async (item: Item) => {
    const name = reference(item);
    if (name !== undefined) await vscode.env.clipboard.writeText(name);
  });
  command('smq.restart', () => current.supervisor.restart());
  command('smq.installServer', () => current.install());
  // In a remote window it is a setting of that machine, which the settings of the user do not show.
  command('smq.openServerSetting', () =>
    vscode.commands.executeCommand(
      vscode.env.remoteName === undefined ? 'workbench.action.openSettings' : 'workbench.action.openRemoteSettings',
      { query: '@id:smq.server.command' },
    ),
  );
  command('smq.showLog', () => log.channel.show());
  command('smq.showTrace', () => log.trace.show());
  command('smq.openWalkthrough', async () => {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#start`, false);
    // A step whose condition holds before the page knows of it is never ticked; this one begins to hold now.
    await vscode.commands.executeCommand('setContext', 'smq.walkthroughIsOpen', true);
  });
  command('smq.copyDebugInformation', async () => {
    await vscode.env.clipboard.writeText(debugInformation(context, current, log));
    void vscode.window.showInformationMessage('Copied. It names no files of yours; read it before you send it.');
  });

  // Not awaited: the window does not wait for Python.
  void current.supervisor.restart();
  return { session: current, previews, results, lineage, tree, comparison, log };
}

export async function deactivate(): Promise<void> {
  await session?.dispose();
}

/** The editor with a query, or a word about what to do. */
async function queryEditor(): Promise<vscode.TextEditor | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.languageId === 'smq') return editor;
  const visible = vscode.window.visibleTextEditors.find((one) => one.document.languageId === 'smq');
  if (visible) return visible;
  const answer = await vscode.window.showInformationMessage('Open a query first: a file whose name ends in .smq.json.', 'New Query');
  if (answer) await newQuery();
  return undefined;
}

async function editorAt(current: Session, uri: string, index: number): Promise<vscode.TextEditor | undefined> {
  const client = current.client;
  if (!client) return undefined;
  const editor = await vscode.window.showTextDocument(client.toUri(uri), { preview: false });
  const answer = await client.ask('smq/compile', { uri, query: index });
  const range = answer.queries[0] && client.toRange(answer.queries[0].range);
  if (range && !range.contains(editor.selection.active)) editor.selection = new vscode.Selection(range.start, range.start);
  return editor;
}

/** The question in words, for a heading. */
async function titleOf(current: Session, uri: string, query: number | Position): Promise<string> {
  const name = path.posix.basename(decodeURIComponent(uri));
  try {
    const answer = await current.ask('smq/compile', { uri, query });
    return answer?.queries[0]?.description ?? answer?.queries[0]?.name ?? name;
  } catch {
    // What is wrong with the query is said by running it.
    return name;
  }
}

/** What a lens over a metric, or over the cost of a query, hands on. */
function isRun(value: unknown): value is RunParams {
  return typeof value === 'object' && value !== null && 'uri' in value && typeof value.uri === 'string' && ('smq' in value || 'dryRun' in value);
}

function metricsOf(smq: unknown): string | undefined {
  const { metrics } = (smq ?? {}) as { metrics?: unknown };
  return Array.isArray(metrics) ? metrics.join(', ') : undefined;
}

async function estimate(current: Session, params: RunParams): Promise<void> {
  try {
    const found = await current.ask('smq/run', params);
    if (!found) return;
    const parts = [
      typeof found.bytes === 'number' && `reads ${size(found.bytes)}`,
      typeof found.estimatedRows === 'number' && `gives about ${counted(found.estimatedRows, 'row')}`,
    ].filter(Boolean);
    void vscode.window.showInformationMessage(parts.length > 0 ? `The query ${parts.join(' and ')}.` : `${found.engine} does not say what the query would take.`);
  } catch (error) {
    void vscode.window.showWarningMessage(words(error));
  }
}

function lineageOf(current: Session, item: Item | undefined): LineageParams | undefined {
  const client = current.client;
  if (item && 'kind' in item) {
    if (item.kind === 'metric') return { metric: item.metric.name, uri: item.metric.location.uri, position: item.metric.location.range.start };
    if (item.kind === 'member') return { uri: item.member.location.uri, position: item.member.location.range.start };
    if (item.kind === 'model') return { uri: item.model.location.uri, position: item.model.location.range.start };
  }
  const editor = vscode.window.activeTextEditor;
  if (!editor || !client) return undefined;
  const { line, character } = editor.selection.active;
  return { uri: client.uriOf(editor.document.uri), position: { line, character } };
}

async function newQuery(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({
    language: 'smq',
    content: '{\n  "description": "",\n  "metrics": [""]\n}\n',
  });
  const editor = await vscode.window.showTextDocument(document);
  const place = new vscode.Position(2, 15);
  editor.selection = new vscode.Selection(place, place);
  await vscode.commands.executeCommand('editor.action.triggerSuggest');
}

async function openExample(current: Session): Promise<void> {
  const state = await current.settled();
  if (state.kind !== 'running') {
    const answer = await vscode.window.showInformationMessage('The example comes with the language server, which does not run yet.', 'Install Language Server');
    if (answer) await current.install();
    if (current.client === undefined) return;
  }
  const { state: after } = current.supervisor;
  if (after.kind !== 'running') return;
  const chosen = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: 'Put the Example Here',
    title: 'A folder that gets a new folder smq-example',
  });
  const parent = chosen?.[0];
  if (!parent) return;
  const target = vscode.Uri.joinPath(parent, 'smq-example');
  const { command, args } = after.server;
  const { status, stderr } = await run(command, [...args.slice(0, -1), 'demo', '--copy', target.fsPath], { cwd: parent.fsPath, timeout: 60_000 });
  if (status !== 0) {
    void vscode.window.showErrorMessage(`The example could not be written: ${stderr.trim().split('\n').at(-1) ?? 'no reason was given'}`);
    return;
  }
  await vscode.commands.executeCommand('vscode.openFolder', target, { forceNewWindow: (vscode.workspace.workspaceFolders?.length ?? 0) > 0 });
}

async function showMetasync(current: Session): Promise<void> {
  const metasync = current.status?.metasync;
  const picks: (vscode.QuickPickItem & { command?: string; args?: unknown[] })[] = [
    { label: '$(refresh) Refresh', description: 'ask for the newest metadata', command: 'smq.refreshCache' },
    { label: '$(output) Show Log', command: 'smq.showLog' },
  ];
  const configuration = current.status?.workspaces[0]?.configuration;
  if (configuration) picks.push({ label: '$(gear) Open Configuration', command: 'vscode.open', args: [vscode.Uri.parse(configuration)] });
  const title = metasync ? `Warehouse metadata: ${metasync.state}${metasync.source ? `, ${metasync.source}` : ''}` : 'Warehouse metadata';
  const chosen = await vscode.window.showQuickPick(picks, { title, placeHolder: metasync?.reason ?? 'What now?' });
  if (chosen?.command) await vscode.commands.executeCommand(chosen.command, ...(chosen.args ?? []));
}

async function refreshCache(current: Session): Promise<void> {
  const client = current.client;
  if (!client?.commands.includes('smq.refreshCache')) {
    void vscode.window.showWarningMessage(
      client ? 'This workspace has no warehouse metadata to refresh: configure [metasync] in smq.toml.' : 'The language server does not run.',
    );
    return;
  }
  try {
    await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Refreshing warehouse metadata' }, () => client.execute('smq.refreshCache', []));
  } catch (error) {
    void vscode.window.showWarningMessage(words(error));
  }
}
