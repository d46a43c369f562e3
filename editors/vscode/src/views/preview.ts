// The SQL beside a query: live, with marks for what came from what, in both directions.
import * as path from 'node:path';
import * as vscode from 'vscode';
import { DOCUMENTS } from '../languages';
import { type Log, words } from '../log';
import type { CompiledReport, MappingTarget } from '../protocol';
import type { Session } from '../session';
import { became, cameFrom, type Segment } from './mapping';

const SCHEME = 'smq-preview';
/** Typing is faster than this; the SQL follows when somebody looks up. */
const PAUSE = 120;

interface Preview {
  source: vscode.Uri;
  uri: vscode.Uri;
  text: string;
  segments: Segment[];
  /** The query that is shown. */
  index: number;
  /** The SQL of the last text that compiled, for while it does not. */
  last: string | undefined;
}

export class Previews implements vscode.TextDocumentContentProvider, vscode.DefinitionProvider, vscode.HoverProvider {
  readonly #previews = new Map<string, Preview>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #mark = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor('smq.mappedBackground'),
    border: '1px solid',
    borderColor: new vscode.ThemeColor('smq.mappedBorder'),
    overviewRulerColor: new vscode.ThemeColor('smq.mappedBackground'),
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  #timer: NodeJS.Timeout | undefined;
  #asking: vscode.CancellationTokenSource | undefined;

  constructor(
    context: vscode.ExtensionContext,
    private readonly session: Session,
    private readonly log: Log,
  ) {
    const selector: vscode.DocumentFilter = { scheme: SCHEME };
    context.subscriptions.push(
      this.#changed,
      this.#mark,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.languages.registerDefinitionProvider(selector, this),
      vscode.languages.registerHoverProvider(selector, this),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (document.uri.scheme === SCHEME) this.#highlight();
        else if (contentChanges.length > 0 && vscode.languages.match(DOCUMENTS, document)) this.#soon();
      }),
      vscode.workspace.onDidCloseTextDocument((document) => this.#previews.delete(document.uri.toString())),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.#selected(textEditor)),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#highlight()),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('smq') && this.#soon()),
      session.onDidChangeState(() => this.#soon()),
      session.onDidChangeStatus(() => this.#soon()),
    );
  }

  /** Show the SQL of the query at the cursor, beside it. */
  async show(editor: vscode.TextEditor): Promise<void> {
    const source = editor.document.uri;
    const name = path.posix.basename(source.path).replace(/(\.smq)?\.json$/, '');
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}.sql`, query: source.toString() });
    const key = uri.toString();
    if (!this.#previews.has(key)) this.#previews.set(key, { source, uri, text: '', segments: [], index: 0, last: undefined });
    const preview = this.#previews.get(key);
    if (preview) await this.#refresh(preview);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: false });
    this.#highlight();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const preview = this.#previews.get(uri.toString());
    if (preview) return preview.text;
    // A tab that was open when the window closed.
    const restored: Preview = { source: vscode.Uri.parse(uri.query), uri, text: '', segments: [], index: 0, last: undefined };
    this.#previews.set(uri.toString(), restored);
    this.#soon();
    return '-- The language server is starting.\n';
  }

  /** From the SQL to the query and to the model files. */
  provideDefinition(document: vscode.TextDocument, position: vscode.Position): vscode.LocationLink[] {
    const found = this.#cause(document.uri, position);
    const client = this.session.client;
    if (!found || !client) return [];
    return found.targets.map((target) => ({
      originSelectionRange: client.toRange(found.range),
      targetUri: client.toUri(target.uri),
      targetRange: client.toRange(target.range),
    }));
  }

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
    const found = this.#cause(document.uri, position);
    const client = this.session.client;
    if (!found || !client) return undefined;
    const lines = found.targets.map((target) => {
      const uri = client.toUri(target.uri);
      const line = target.range.start.line + 1;
      return `- ${named(target)}, [${escaped(path.posix.basename(uri.path))}:${line}](${uri.with({ fragment: `L${line}` }).toString()})`;
    });
    return new vscode.Hover(new vscode.MarkdownString(`Comes from\n\n${lines.join('\n')}`), client.toRange(found.range));
  }

  /** The text of a preview that is open; for tests of the whole. */
  textOf(source: vscode.Uri): string | undefined {
    return [...this.#previews.values()].find((one) => one.source.toString() === source.toString())?.text;
  }

  #cause(uri: vscode.Uri, position: vscode.Position): { range: CompiledReport['range']; targets: MappingTarget[] } | undefined {
    const preview = this.#previews.get(uri.toString());
    return preview && cameFrom(preview.segments, { line: position.line, character: position.character });
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const preview of this.#previews.values()) void this.#refresh(preview);
    }, PAUSE);
  }

  async #refresh(preview: Preview): Promise<void> {
    const client = this.session.client;
    if (!client) return this.#take(preview, '-- The language server does not run.\n', []);
    this.#asking?.cancel();
    const asking = new vscode.CancellationTokenSource();
    this.#asking = asking;
    const editor = vscode.window.visibleTextEditors.find((one) => one.document.uri.toString() === preview.source.toString());
    const at = editor?.selection.active;
    try {
      const query = at ? { line: at.line, character: at.character } : preview.index;
      const answer = await client.ask('smq/compile', { uri: client.uriOf(preview.source), query, distribute: true }, asking.token);
      const chosen = answer.queries;
      preview.index = chosen[0]?.index ?? preview.index;
      this.#write(preview, chosen, answer.dialect);
    } catch (error) {
      if (asking.token.isCancellationRequested) return;
      // Nothing is wrong: a text is often no query while it is typed.
      this.log.info(`No SQL for ${preview.source.fsPath}: ${words(error)}`);
      this.#take(preview, commented(words(error)), []);
    }
  }

  #write(preview: Preview, reports: readonly CompiledReport[], dialect: string): void {
    const lines: string[] = [];
    const segments: Segment[] = [];
    const first = reports[0];
    if (!first) return this.#take(preview, '-- There is no query here yet.\n', []);
    lines.push(`-- ${[first.description ?? first.name ?? path.posix.basename(preview.source.path), dialect].map(oneLine).join(' · ')}`);
    const broken = reports.filter((report) => report.sql === null || report.sql === undefined);
    if (broken.length > 0) {
      for (const problem of broken.flatMap((report) => report.problems).filter((one) => one.severity === 'error')) {
        const place = problem.location ? `${problem.location.range.start.line + 1}:${problem.location.range.start.character + 1}: ` : '';
        lines.push(...commented(`${place}${problem.message}`).trimEnd().split('\n'));
      }
      if (preview.last !== undefined) lines.push('--', '-- Before that it was:', ...preview.last.split('\n').map((line) => `-- ${line}`.trimEnd()));
      return this.#take(preview, `${lines.join('\n')}\n`, []);
    }
    reports.forEach((report, index) => {
      if (reports.length > 1) lines.push(`-- Part ${index + 1} of ${reports.length}, since no join connects all of it`);
      segments.push({ report, line: lines.length });
      lines.push(...`${report.sql ?? ''}${reports.length > 1 ? ';' : ''}`.split('\n'));
    });
    preview.last = reports.map((report) => report.sql ?? '').join(';\n');
    this.#take(preview, `${lines.join('\n')}\n`, segments);
  }

  #take(preview: Preview, text: string, segments: Segment[]): void {
    const isNew = preview.text !== text;
    preview.text = text;
    preview.segments = segments;
    if (isNew) this.#changed.fire(preview.uri);
    this.#highlight();
  }

  #selected(editor: vscode.TextEditor): void {
    const uri = editor.document.uri.toString();
    for (const preview of this.#previews.values()) {
      if (preview.source.toString() !== uri) continue;
      const client = this.session.client;
      const current = preview.segments[0]?.report.range;
      const isElsewhere = !current || !client || !client.toRange(current).contains(editor.selection.active);
      // Another query of the file is shown when the cursor is in it.
      if (isElsewhere && editor.document.lineCount > 1) this.#soon();
    }
    this.#highlight();
  }

  /** Mark, in every editor in sight, what belongs to the cursor of the active one. */
  #highlight(): void {
    const client = this.session.client;
    const active = vscode.window.activeTextEditor;
    const marks = new Map<vscode.TextEditor, vscode.Range[]>();
    const isWanted = vscode.workspace.getConfiguration('smq').get<boolean>('preview.highlight', true);
    if (client && active && isWanted) {
      const { line, character } = active.selection.active;
      const at = { line, character };
      const shown = this.#previews.get(active.document.uri.toString());
      if (shown) {
        const cause = cameFrom(shown.segments, at);
        for (const editor of cause ? vscode.window.visibleTextEditors : []) {
          const uri = client.uriOf(editor.document.uri);
          const ranges = cause?.targets.filter((target) => target.uri === uri).map((target) => client.toRange(target.range));
          if (ranges?.length) marks.set(editor, ranges);
        }
        if (cause) marks.set(active, [client.toRange(cause.range)]);
      } else {
        for (const editor of vscode.window.visibleTextEditors) {
          const preview = this.#previews.get(editor.document.uri.toString());
          if (!preview) continue;
          const ranges = became(preview.segments, client.uriOf(active.document.uri), at).map((range) => client.toRange(range));
          marks.set(editor, ranges);
          const first = ranges[0];
          if (first) editor.revealRange(first, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
        }
      }
    }
    for (const editor of vscode.window.visibleTextEditors) editor.setDecorations(this.#mark, marks.get(editor) ?? []);
  }
}

function named(target: MappingTarget): string {
  return target.kind === 'query' ? `the query: \`${target.label}\`` : `${target.kind} \`${target.label}\``;
}

function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>]/g, '\\$&');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function commented(text: string): string {
  return text.split('\n').map((line) => `-- ${line}\n`).join('');
}
