// Models and metrics of the workspace, to look at and to go to.
import * as vscode from 'vscode';
import { type Log, words } from '../log';
import type { FoundSymbol, Location, TreeMember, TreeMetric, TreeModel, TreeParams, TreeResult, TreeWorkspace } from '../protocol';
import type { Session } from '../session';

export type Item =
  | { kind: 'workspace'; workspace: TreeWorkspace }
  | { kind: 'group'; title: 'Metrics' | 'Models' | 'Entities' | 'Dimensions' | 'Measures'; items: Item[]; count: number }
  | { kind: 'metric'; metric: TreeMetric }
  | { kind: 'model'; model: TreeModel; workspace: string }
  | { kind: 'member'; member: TreeMember }
  | { kind: 'more'; workspace: TreeWorkspace; group: Item & { kind: 'group' } };

const ICONS: Record<string, string> = {
  metric: 'symbol-value',
  model: 'symbol-class',
  entity: 'key',
  dimension: 'symbol-field',
  measure: 'symbol-variable',
};
const PAUSE = 400;
/** So many metrics and models are listed at first, and so many more each time somebody asks: a
 * workspace may have tens of thousands. */
const PAGE = 500;
/** Milliseconds that a search waits for the next letter. */
const TYPING = 100;

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
        return membersOf(await this.#members(item));
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
        made.description = item.count.toLocaleString();
        return made;
      }
      case 'more': {
        const left = item.group.count - item.group.items.length + 1;
        const made = new vscode.TreeItem(`… ${left.toLocaleString()} more`);
        made.tooltip = `List the next ${Math.min(PAGE, left)}. Search finds any by its name or label.`;
        made.accessibilityInformation = { label: `${left} more ${item.group.title.toLowerCase()}; list the next ${Math.min(PAGE, left)}` };
        made.command = { command: 'smq.moreOfTree', title: 'List more', arguments: [item] };
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

  /** To a metric, model or member by a part of its name or label, as it is typed. */
  async find(): Promise<void> {
    const client = this.session.client;
    if (!client?.has('smq/find')) return;
    const picker = vscode.window.createQuickPick<vscode.QuickPickItem & { location: Location }>();
    picker.placeholder = 'A metric, model, dimension, measure or entity';
    let asked: vscode.CancellationTokenSource | undefined;
    let timer: NodeJS.Timeout | undefined;
    const search = async (): Promise<void> => {
      asked?.cancel();
      const mine = new vscode.CancellationTokenSource();
      asked = mine;
      picker.busy = true;
      try {
        const result = await client.ask('smq/find', { text: picker.value }, mine.token);
        if (asked === mine) picker.items = result.found.map(pick);
      } catch (error) {
        if (asked === mine) this.log.warn(`Nothing could be found: ${words(error)}`);
      }
      if (asked === mine) picker.busy = false;
    };
    picker.onDidChangeValue(() => {
      clearTimeout(timer);
      timer = setTimeout(() => void search(), TYPING);
    });
    picker.onDidAccept(() => {
      const [chosen] = picker.selectedItems;
      picker.hide();
      if (chosen) void this.#open(chosen.location);
    });
    picker.onDidHide(() => {
      clearTimeout(timer);
      asked?.cancel();
      picker.dispose();
    });
    picker.show();
    await search();
  }

  /** The next page of the metrics or models, in place of the line that offers it. */
  async more({ workspace, group }: Item & { kind: 'more' }): Promise<void> {
    const first = group.items.length - 1;
    const page = await this.#ask({ uri: workspace.uri, first, most: PAGE, members: false });
    const found = page?.workspaces[0];
    if (!found) return;
    group.items = listed(workspace, group.items.slice(0, -1), group.title === 'Metrics' ? metricsOf(found) : modelsOf(found), group);
    this.#changed.fire(undefined);
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

  async #ask(params: TreeParams): Promise<TreeResult | undefined> {
    try {
      return await this.session.ask('smq/tree', params);
    } catch (error) {
      this.log.warn(`The server does not list models: ${words(error)}`);
      return undefined;
    }
  }

  async #members({ model, workspace }: Item & { kind: 'model' }): Promise<TreeModel> {
    const result = await this.#ask({ uri: workspace, model: model.name });
    return result?.workspaces[0]?.models[0] ?? model;
  }

  async #load(): Promise<Item[]> {
    const result = await this.#ask({ most: PAGE, members: false });
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
  const metrics: Item & { kind: 'group' } = { kind: 'group', title: 'Metrics', items: [], count: workspace.metricCount || workspace.metrics.length };
  const models: Item & { kind: 'group' } = { kind: 'group', title: 'Models', items: [], count: workspace.modelCount || workspace.models.length };
  metrics.items = listed(workspace, [], metricsOf(workspace), metrics);
  models.items = listed(workspace, [], modelsOf(workspace), models);
  return [metrics, models];
}

/** What is listed so far and a page, and a line for the rest if there is one. */
function listed(workspace: TreeWorkspace, before: Item[], page: Item[], group: Item & { kind: 'group' }): Item[] {
  const items = [...before, ...page];
  return page.length > 0 && items.length < group.count ? [...items, { kind: 'more', workspace, group }] : items;
}

function metricsOf(workspace: TreeWorkspace): Item[] {
  return workspace.metrics.map((metric) => ({ kind: 'metric', metric }));
}

function modelsOf(workspace: TreeWorkspace): Item[] {
  return workspace.models.map((model) => ({ kind: 'model', model, workspace: workspace.uri }));
}

function pick({ kind, name, reference, label, description, location }: FoundSymbol): vscode.QuickPickItem & { location: Location } {
  return {
    label: `$(${ICONS[kind]}) ${kind === 'entity' ? name : reference}`,
    description: [kind, label].filter(Boolean).join(' · '),
    ...(description ? { detail: description.replace(/\s+/g, ' ').trim() } : {}),
    // The server has chosen by name and label; the window must not choose again.
    alwaysShow: true,
    location,
  };
}

function membersOf(model: TreeModel): Item[] {
  const parts = [
    ['Entities', model.entities],
    ['Dimensions', model.dimensions],
    ['Measures', model.measures],
  ] as const;
  return parts
    .filter(([, members]) => members.length > 0)
    .map(([title, members]) => ({ kind: 'group', title, items: members.map((member) => ({ kind: 'member', member })), count: members.length }));
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
