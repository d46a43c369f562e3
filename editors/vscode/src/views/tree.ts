// Models and metrics of the workspace, to look at and to go to.
import * as vscode from 'vscode';
import { type Log, words } from '../log';
import type { Location, TreeMember, TreeMetric, TreeModel, TreeResult, TreeWorkspace } from '../protocol';
import type { Session } from '../session';

export type Item =
  | { kind: 'workspace'; workspace: TreeWorkspace }
  | { kind: 'group'; title: 'Metrics' | 'Models' | 'Entities' | 'Dimensions' | 'Measures'; items: Item[] }
  | { kind: 'metric'; metric: TreeMetric }
  | { kind: 'model'; model: TreeModel }
  | { kind: 'member'; member: TreeMember };

const ICONS: Record<string, string> = {
  metric: 'symbol-value',
  model: 'symbol-class',
  entity: 'key',
  dimension: 'symbol-field',
  measure: 'symbol-variable',
};
const PAUSE = 400;

export class Tree implements vscode.TreeDataProvider<Item> {
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly view: vscode.TreeView<Item>;
  #roots: Promise<Item[]> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    context: vscode.ExtensionContext,
    private readonly session: Session,
    private readonly log: Log,
  ) {
    this.view = vscode.window.createTreeView('smq.models', { treeDataProvider: this, showCollapseAll: true });
    context.subscriptions.push(
      this.#changed,
      this.view,
      session.onDidChangeState(() => this.refresh()),
      session.onDidChangeStatus(() => this.#soon()),
      vscode.workspace.onDidSaveTextDocument((document) => ['semantic-model', 'yaml'].includes(document.languageId) && this.#soon()),
    );
  }

  refresh(): void {
    this.#roots = undefined;
    this.#changed.fire(undefined);
  }

  async getChildren(item?: Item): Promise<Item[]> {
    if (item === undefined) {
      this.#roots ??= this.#load();
      return this.#roots;
    }
    switch (item.kind) {
      case 'workspace':
        return groups(item.workspace);
      case 'group':
        return item.items;
      case 'model':
        return membersOf(item.model);
      default:
        return [];
    }
  }

  getTreeItem(item: Item): vscode.TreeItem {
    switch (item.kind) {
      case 'workspace':
        return new vscode.TreeItem(item.workspace.name, vscode.TreeItemCollapsibleState.Expanded);
      case 'group': {
        const isTop = item.title === 'Metrics' || item.title === 'Models';
        const state = isTop ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
        const made = new vscode.TreeItem(item.title, state);
        made.description = String(item.items.length);
        return made;
      }
      case 'metric': {
        const { metric } = item;
        return this.#leaf('metric', metric, metric.label, [
          metric.description,
          metric.expression && `\`${metric.expression}\``,
          `${metric.kind} metric${metric.models?.length ? ` over ${metric.models.join(', ')}` : ''}, used in ${metric.uses} ${metric.uses === 1 ? 'query file' : 'query files'}`,
        ]);
      }
      case 'model': {
        const { model } = item;
        const made = this.#leaf('model', model, model.label, [model.description, model.table && `table \`${model.table}\``]);
        made.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
        return made;
      }
      case 'member':
        return this.#leaf(item.member.kind, item.member, [item.member.label, item.member.type].filter(Boolean).join(' · '), [
          item.member.description,
          `\`${item.member.reference}\``,
        ]);
    }
  }

  /** A list of everything, to find something by a part of its name, label or description. */
  async find(): Promise<void> {
    const picks: (vscode.QuickPickItem & { location: Location })[] = [];
    const visit = async (items: Item[]): Promise<void> => {
      for (const item of items) {
        const named = item.kind === 'metric' ? item.metric : item.kind === 'model' ? item.model : item.kind === 'member' ? item.member : undefined;
        if (named) {
          const kind = item.kind === 'member' ? item.member.kind : item.kind;
          const name = item.kind === 'member' && item.member.kind !== 'entity' ? item.member.reference : named.name;
          picks.push({
            label: `$(${ICONS[kind]}) ${name}`,
            description: [kind, named.label].filter(Boolean).join(' · '),
            ...(named.description ? { detail: named.description.replace(/\s+/g, ' ').trim() } : {}),
            location: named.location,
          });
        }
        await visit(await this.getChildren(item));
      }
    };
    await visit(await this.getChildren());
    const chosen = await vscode.window.showQuickPick(picks, { matchOnDescription: true, matchOnDetail: true, placeHolder: 'A metric, model, dimension, measure or entity' });
    if (chosen) await this.#open(chosen.location);
  }

  #leaf(kind: string, named: { name: string; location: Location }, description: string | null | undefined, details: (string | null | undefined)[]): vscode.TreeItem {
    const made = new vscode.TreeItem(named.name);
    made.contextValue = kind;
    made.iconPath = new vscode.ThemeIcon(ICONS[kind] ?? 'circle-outline');
    if (description) made.description = description;
    made.tooltip = new vscode.MarkdownString(details.filter(Boolean).join('\n\n'));
    made.accessibilityInformation = { label: `${kind} ${named.name}${description ? `, ${description}` : ''}` };
    const client = this.session.client;
    if (client) {
      made.command = {
        command: 'vscode.open',
        title: 'Open',
        arguments: [client.toUri(named.location.uri), { selection: client.toRange(named.location.range), preview: true } satisfies vscode.TextDocumentShowOptions],
      };
    }
    return made;
  }

  async #open(location: Location): Promise<void> {
    const client = this.session.client;
    if (client) await vscode.window.showTextDocument(client.toUri(location.uri), { selection: client.toRange(location.range) });
  }

  async #load(): Promise<Item[]> {
    let result: TreeResult | undefined;
    try {
      result = await this.session.ask('smq/tree', {});
    } catch (error) {
      this.log.warn(`The server does not list models: ${words(error)}`);
    }
    const filled = (result?.workspaces ?? []).filter((one) => one.models.length + one.metrics.length > 0);
    const [first] = filled;
    return filled.length === 1 && first ? groups(first) : filled.map((workspace) => ({ kind: 'workspace', workspace }));
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), PAUSE);
  }
}

function groups(workspace: TreeWorkspace): Item[] {
  return [
    { kind: 'group', title: 'Metrics', items: workspace.metrics.map((metric) => ({ kind: 'metric', metric })) },
    { kind: 'group', title: 'Models', items: workspace.models.map((model) => ({ kind: 'model', model })) },
  ];
}

function membersOf(model: TreeModel): Item[] {
  const parts = [
    ['Entities', model.entities],
    ['Dimensions', model.dimensions],
    ['Measures', model.measures],
  ] as const;
  return parts
    .filter(([, members]) => members.length > 0)
    .map(([title, members]) => ({ kind: 'group', title, items: members.map((member) => ({ kind: 'member', member })) }));
}

/** The name as a query writes it. */
export function reference(item: Item): string | undefined {
  switch (item.kind) {
    case 'metric':
      return item.metric.name;
    case 'model':
      return item.model.name;
    case 'member':
      return item.member.reference;
    default:
      return undefined;
  }
}
