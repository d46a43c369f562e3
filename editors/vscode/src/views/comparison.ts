// Which queries mean something else than before, and why: than saved, than committed, than at any
// revision. A tree, which keys and screen readers know; each query opens both statements side by side.
import * as vscode from 'vscode';
import { words } from '../log';
import type { DiffAspect, DiffDefinition, DiffQuery, DiffResult, Location } from '../protocol';
import type { Session } from '../session';
import { counted } from './cells';
import type { Pages } from './pages';

export type Part =
  | { kind: 'group'; title: string; parts: Part[]; more: number }
  | { kind: 'query'; query: DiffQuery }
  | { kind: 'definition'; definition: DiffDefinition }
  | { kind: 'aspect'; aspect: DiffAspect }
  | { kind: 'problem'; words: string };

const ICONS: Record<DiffQuery['change'] | DiffDefinition['change'], [string, string?]> = {
  added: ['diff-added', 'gitDecoration.addedResourceForeground'],
  removed: ['diff-removed', 'gitDecoration.deletedResourceForeground'],
  changed: ['diff-modified', 'gitDecoration.modifiedResourceForeground'],
  broken: ['error', 'problemsErrorIcon.foreground'],
  mended: ['pass', 'testing.iconPassed'],
};
const CHANGES: Record<DiffQuery['change'], string> = {
  added: 'is new',
  removed: 'is gone',
  changed: 'means something else',
  broken: 'no longer compiles',
  mended: 'compiles again',
};

export class Comparison implements vscode.TreeDataProvider<Part> {
  static readonly id = 'smq.comparison';
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<Part>;
  #asked: { uri: string; base: string } | undefined;
  #result: DiffResult | undefined;
  /** What the tree has; while it is hidden it keeps what it had, which the window asks for once more. */
  #parts: Part[] = [];

  constructor(
    context: vscode.ExtensionContext,
    private readonly session: Session,
    private readonly pages: Pages,
  ) {
    this.#view = vscode.window.createTreeView(Comparison.id, { treeDataProvider: this, showCollapseAll: true });
    context.subscriptions.push(this.#changed, this.#view);
  }

  /** What is shown now; for tests of the whole. */
  get shown(): DiffResult | undefined {
    return this.#result;
  }

  /** `base`: `saved` or a git revision; without one somebody is asked. */
  async start(base?: string, uri?: string): Promise<void> {
    const client = await this.session.ready();
    if (!client?.has('smq/diff')) {
      void vscode.window.showWarningMessage(client ? 'This language server cannot compare; install a newer one.' : 'The language server does not run.');
      return;
    }
    const about = uri ?? (await this.#workspace());
    if (about === undefined) return;
    const against = base ?? (await askedBase());
    if (against !== undefined) await this.#compare(about, against);
  }

  async again(): Promise<void> {
    if (this.#asked) await this.#compare(this.#asked.uri, this.#asked.base);
  }

  async close(): Promise<void> {
    this.#asked = undefined;
    this.#result = undefined;
    await vscode.commands.executeCommand('setContext', 'smq.hasComparison', false);
  }

  /** All of it as one text, for a pull request or to read aloud. */
  async report(): Promise<void> {
    if (!this.#result) return;
    await vscode.commands.executeCommand('markdown.showPreviewToSide', this.pages.put('Changed meaning.md', this.#result.markdown));
  }

  /** Both statements of a query. */
  async open(part: Part): Promise<void> {
    if (part.kind === 'definition') return this.goTo(part);
    if (part.kind !== 'query') return;
    const { query } = part;
    const since = this.#since();
    const name = query.name.replaceAll('/', ' ');
    const before = this.pages.put(`${since} ${name}.sql`, statement(query.beforeSql, query, 'There was no such query.'));
    const after = this.pages.put(`now ${name}.sql`, statement(query.afterSql, query, 'There is no such query any more.'));
    await vscode.commands.executeCommand('vscode.diff', before, after, `${query.name} (${since} ↔ now)`, { preview: true });
  }

  /** To the query or the definition as it is now. */
  async goTo(part: Part): Promise<void> {
    const location = locationOf(part);
    const client = this.session.client;
    if (!client) return;
    if (!location) {
      void vscode.window.showInformationMessage('It is in no file any more.');
      return;
    }
    await vscode.window.showTextDocument(client.toUri(location.uri), { selection: client.toRange(location.range) });
  }

  getChildren(part?: Part): Part[] {
    if (part?.kind === 'group') return part.parts;
    if (part?.kind === 'query') {
      return [
        ...part.query.problems.map((one): Part => ({ kind: 'problem', words: one })),
        ...part.query.differences.map((aspect): Part => ({ kind: 'aspect', aspect })),
      ];
    }
    return part ? [] : this.#parts;
  }

  /** Only groups are revealed, and nothing is above them. */
  getParent(): undefined {
    return undefined;
  }

  getTreeItem(part: Part): vscode.TreeItem {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    switch (part.kind) {
      case 'group': {
        const made = new vscode.TreeItem(part.title, Expanded);
        const count = (part.parts.length + part.more).toLocaleString();
        made.description = part.more > 0 ? `${count}, the first ${part.parts.length.toLocaleString()} listed` : count;
        return made;
      }
      case 'query': {
        const { query } = part;
        const made = new vscode.TreeItem(query.name, this.getChildren(part).length > 0 ? Collapsed : None);
        made.description = CHANGES[query.change];
        made.tooltip = `${query.path}${query.edited ? ', which was itself edited' : ''}`;
        made.accessibilityInformation = { label: `${query.name} ${CHANGES[query.change]}` };
        return this.#shaped(made, part, query.change);
      }
      case 'definition': {
        const { definition } = part;
        const made = new vscode.TreeItem(definition.name, None);
        made.description = `${definition.kind} ${definition.change}`;
        const [before, after] = [definition.before, definition.after].map((text) => (text ? `\`\`\`\n${text}\n\`\`\`` : '(nothing)'));
        made.tooltip = new vscode.MarkdownString(`${before}\n\nbecame\n\n${after}`);
        made.accessibilityInformation = { label: `${definition.kind} ${definition.name} ${definition.change}` };
        return this.#shaped(made, part, definition.change);
      }
      case 'aspect': {
        const made = new vscode.TreeItem(part.aspect.words, None);
        made.tooltip = [part.aspect.before, part.aspect.after].filter(Boolean).join(' → ') || part.aspect.words;
        return made;
      }
      case 'problem': {
        const made = new vscode.TreeItem(part.words, None);
        made.iconPath = new vscode.ThemeIcon('error', new vscode.ThemeColor('problemsErrorIcon.foreground'));
        return made;
      }
    }
  }

  #shaped(made: vscode.TreeItem, part: Part, change: keyof typeof ICONS): vscode.TreeItem {
    const [icon, colour] = ICONS[change];
    made.iconPath = new vscode.ThemeIcon(icon, colour === undefined ? undefined : new vscode.ThemeColor(colour));
    made.contextValue = locationOf(part) ? `${part.kind}-here` : part.kind;
    made.command = { title: 'Compare', command: 'smq.openComparison', arguments: [part] };
    return made;
  }

  async #compare(uri: string, base: string): Promise<void> {
    const client = this.session.client;
    if (!client) return;
    let result: DiffResult;
    try {
      result = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: `Comparing with ${spoken(base)}` }, () =>
        client.ask('smq/diff', { uri, base }),
      );
    } catch (error) {
      const choices = base === 'saved' ? [] : ['Compare with …'];
      const answer = await vscode.window.showWarningMessage(words(error), ...choices);
      if (answer) await this.start(undefined, uri);
      return;
    }
    this.#asked = { uri, base };
    this.#result = result;
    const parts = partsOf(result);
    const said = `Compared with ${spoken(base)}: ${result.summary}`;
    await vscode.commands.executeCommand('setContext', 'smq.hasComparison', parts.length > 0);
    if (parts.length === 0) {
      // The answer first: a notification that is not asked for shows one line.
      void vscode.window.showInformationMessage(`${result.summary} Compared with ${spoken(base)}.`);
      return;
    }
    await vscode.commands.executeCommand(`${Comparison.id}.focus`);
    this.#view.message = said;
    this.#parts = parts;
    this.#changed.fire(undefined);
    const [first] = parts;
    if (first) await this.#view.reveal(first, { focus: true, select: false });
  }

  /** The document in front, or a workspace of the window. */
  async #workspace(): Promise<string | undefined> {
    const client = this.session.client;
    const document = vscode.window.activeTextEditor?.document;
    if (client && document && ['smq', 'semantic-model', 'yaml'].includes(document.languageId)) return client.uriOf(document.uri);
    // The server knows a workspace by a document in it.
    const all = ((await this.session.ask('smq/tree', { most: 1, members: false }))?.workspaces ?? []).flatMap((one) => {
      const first = one.models[0] ?? one.metrics[0];
      return first ? [{ label: one.name, description: `${counted(one.modelCount || one.models.length, 'model')}, ${counted(one.metricCount || one.metrics.length, 'metric')}`, uri: first.location.uri }] : [];
    });
    if (all.length === 0) void vscode.window.showInformationMessage('No workspace here has models to compare.');
    if (all.length < 2) return all[0]?.uri;
    return (await vscode.window.showQuickPick(all, { title: 'Compare which workspace?' }))?.uri;
  }

  #since(): string {
    return this.#asked?.base === 'saved' ? 'saved' : (this.#asked?.base ?? '');
  }
}

/** What caused it comes first: it is short, and says the rest. */
function partsOf({ queries, definitions, moreQueries, moreDefinitions }: DiffResult): Part[] {
  const groups = [
    {
      kind: 'group' as const,
      title: 'Definitions',
      parts: definitions.map((definition): Part => ({ kind: 'definition', definition })),
      more: moreDefinitions ?? 0,
    },
    { kind: 'group' as const, title: 'Queries', parts: queries.map((query): Part => ({ kind: 'query', query })), more: moreQueries ?? 0 },
  ];
  return groups.filter((group) => group.parts.length > 0);
}

async function askedBase(): Promise<string | undefined> {
  const chosen = await vscode.window.showQuickPick(
    [
      { label: 'The committed version', description: 'HEAD', base: 'HEAD' },
      { label: 'The saved files', description: 'what is only on the screen counts as new', base: 'saved' },
      { label: 'The main branch', description: 'main', base: 'main' },
      { label: 'Another revision …', description: 'a branch, a tag or a commit', base: '' },
    ],
    { title: 'Compare what queries mean with' },
  );
  if (!chosen || chosen.base !== '') return chosen?.base;
  const typed = await vscode.window.showInputBox({ title: 'Compare what queries mean with', prompt: 'A branch, a tag or a commit', placeHolder: 'origin/main' });
  return typed?.trim() || undefined;
}

function spoken(base: string): string {
  return base === 'saved' ? 'the saved files' : base === 'HEAD' ? 'the committed version' : base;
}

function locationOf(part: Part): Location | undefined {
  const found = part.kind === 'query' ? part.query.location : part.kind === 'definition' ? part.definition.location : undefined;
  return found ?? undefined;
}

/** The SQL, or why there is none. */
function statement(sql: string | null | undefined, query: DiffQuery, absent: string): string {
  if (sql) return `${sql}\n`;
  const why = query.problems.length > 0 ? query.problems : [absent];
  return why.map((line) => `-- ${line.replace(/\s+/g, ' ')}\n`).join('');
}
