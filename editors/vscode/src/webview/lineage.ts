// The lineage as boxes and lines, or as a tree of words; both by keyboard and by screen reader.
import { draw, type Drawing } from '../views/layout';
import type { FromLineage, ToLineage } from '../views/messages';
import type { LineageNode, LineageResult } from '../protocol';
import { byId, host, make } from './host';

const SVG = 'http://www.w3.org/2000/svg';
const graph = byId('graph');
const list = byId('list');
const asGraph = byId('as-graph');
const asList = byId('as-list');
const tell = (message: FromLineage): void => host.postMessage(message);

let result: LineageResult | undefined;
let drawing: Drawing | undefined;
let buttons = new Map<string, HTMLButtonElement>();
let current = '';

window.addEventListener('message', (event: MessageEvent<ToLineage>) => {
  const message = event.data;
  byId('title').textContent = message.type === 'lineage' ? message.title : 'Lineage';
  byId('status').textContent = message.type === 'lineage' ? summary(message.result) : message.message;
  if (message.type !== 'lineage') return;
  result = message.result;
  current = result.root ?? result.nodes[0]?.id ?? '';
  showGraph();
  showList();
});
asGraph.addEventListener('click', () => choose(true));
asList.addEventListener('click', () => choose(false));
choose((host.getState() as { isList?: boolean } | undefined)?.isList !== true);
tell({ type: 'ready' });

function choose(isGraph: boolean): void {
  asGraph.setAttribute('aria-pressed', String(isGraph));
  asList.setAttribute('aria-pressed', String(!isGraph));
  graph.hidden = !isGraph;
  list.hidden = isGraph;
  host.setState({ isList: !isGraph });
}

function summary(from: LineageResult): string {
  const counts = new Map<string, number>();
  for (const node of from.nodes) if (node.id !== from.root) counts.set(node.kind, (counts.get(node.kind) ?? 0) + 1);
  const parts = [...counts].map(([kind, count]) => `${count} ${count === 1 ? kind : plural(kind)}`);
  return parts.length > 0 ? `Connected with ${parts.join(', ')}. Arrow keys move, Enter opens the definition.` : 'Connected with nothing else.';
}

function plural(kind: string): string {
  return kind === 'query' || kind === 'entity' ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

const outOf = (id: string): string[] => result?.edges.filter((edge) => edge.from === id).map((edge) => edge.to) ?? [];
const into = (id: string): string[] => result?.edges.filter((edge) => edge.to === id).map((edge) => edge.from) ?? [];
const nodeOf = (id: string): LineageNode | undefined => result?.nodes.find((node) => node.id === id);
const nameOf = (id: string): string => nodeOf(id)?.name ?? id;

/** All that a screen reader says about a box; it begins with what is written there, for those who speak to it. */
function described(node: LineageNode): string {
  const label = node.label && node.label !== node.name ? ` ${node.label}` : '';
  const parts = [`${node.kind} ${node.name}${label}`];
  if (node.detail) parts.push(node.detail);
  const [made, used] = [outOf(node.id).map(nameOf), into(node.id).map(nameOf)];
  if (made.length > 0) parts.push(`made of ${made.join(', ')}`);
  if (used.length > 0) parts.push(`used by ${used.join(', ')}`);
  return parts.join('; ');
}

function showGraph(): void {
  if (!result) return;
  drawing = draw(result.nodes, result.edges);
  const lines = document.createElementNS(SVG, 'svg');
  lines.setAttribute('width', String(drawing.width));
  lines.setAttribute('height', String(drawing.height));
  lines.setAttribute('aria-hidden', 'true');
  for (const { from, to } of result.edges) {
    const [a, b] = [drawing.boxes.get(from), drawing.boxes.get(to)];
    if (!a || !b) continue;
    const [x1, y1, x2, y2] = [a.x + a.width, a.y + a.height / 2, b.x, b.y + b.height / 2];
    const bend = Math.max(24, (x2 - x1) / 2);
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`);
    path.dataset['from'] = from;
    path.dataset['to'] = to;
    lines.append(path);
  }
  buttons = new Map();
  const canvas = make('div', { class: 'canvas' });
  canvas.style.width = `${drawing.width}px`;
  canvas.style.height = `${drawing.height}px`;
  canvas.append(lines);
  for (const box of drawing.layers.flat()) {
    const { node } = box;
    const button = make('button', { type: 'button', class: `box ${node.kind}`, tabindex: node.id === current ? '0' : '-1', 'aria-label': described(node) });
    button.append(make('span', { class: 'kind' }, node.kind), ' ', make('span', { class: 'name' }, node.name));
    if (node.label && node.label !== node.name) button.append(' ', make('span', { class: 'label' }, node.label));
    if (node.detail) button.title = node.detail;
    if (node.id === result.root) button.classList.add('root');
    button.style.left = `${box.x}px`;
    button.style.top = `${box.y}px`;
    button.style.width = `${box.width}px`;
    button.style.height = `${box.height}px`;
    button.addEventListener('click', () => tell({ type: 'open', id: node.id }));
    button.addEventListener('focus', () => focused(node.id));
    button.addEventListener('pointerenter', () => trace(node.id));
    button.addEventListener('pointerleave', () => trace(''));
    button.addEventListener('keydown', (event) => keyed(event, node.id));
    buttons.set(node.id, button);
    canvas.append(button);
  }
  graph.replaceChildren(canvas);
  buttons.get(current)?.scrollIntoView({ block: 'center', inline: 'center' });
}

function focused(id: string): void {
  buttons.get(current)?.setAttribute('tabindex', '-1');
  current = id;
  buttons.get(id)?.setAttribute('tabindex', '0');
  trace(id);
}

/** Make what belongs to a box stand out, as far as it goes. */
function trace(id: string): void {
  const near = new Set([id]);
  const follow = (next: (id: string) => string[], at: string): void => {
    for (const other of next(at)) {
      if (near.has(other)) continue;
      near.add(other);
      follow(next, other);
    }
  };
  if (id !== '') {
    follow(outOf, id);
    follow(into, id);
  }
  for (const [name, button] of buttons) button.classList.toggle('faint', id !== '' && !near.has(name));
  for (const path of graph.querySelectorAll('path')) {
    const isNear = near.has(path.dataset['from'] ?? '') && near.has(path.dataset['to'] ?? '');
    path.classList.toggle('near', id !== '' && isNear);
  }
}

function keyed(event: KeyboardEvent, id: string): void {
  const box = drawing?.boxes.get(id);
  if (!drawing || !box) return;
  const layer = drawing.layers[box.layer] ?? [];
  const index = layer.indexOf(box);
  const nearest = (ids: string[]): string | undefined =>
    ids.sort((one, other) => Math.abs((drawing?.boxes.get(one)?.y ?? 0) - box.y) - Math.abs((drawing?.boxes.get(other)?.y ?? 0) - box.y))[0];
  const next: Record<string, string | undefined> = {
    ArrowRight: nearest(outOf(id)),
    ArrowLeft: nearest(into(id)),
    ArrowDown: layer[index + 1]?.node.id,
    ArrowUp: layer[index - 1]?.node.id,
    Home: result?.root ?? undefined,
  };
  if (!(event.key in next)) return;
  event.preventDefault();
  const target = next[event.key];
  if (target !== undefined) buttons.get(target)?.focus();
}

/** The same as two trees of words: what it is made of, and what uses it. */
function showList(): void {
  const root = result?.root ?? result?.nodes[0]?.id;
  if (!result || root === undefined) return;
  const parts: HTMLElement[] = [];
  for (const [title, next] of [['Made of', outOf], ['Used by', into]] as const) {
    const heading = make('h2', { id: `list-${title.replace(' ', '-')}` }, title);
    if (next(root).length === 0) {
      parts.push(heading, make('p', {}, 'nothing'));
      continue;
    }
    const tree = make('ul', { role: 'tree', 'aria-labelledby': heading.id });
    tree.append(...next(root).map((id) => item(id, next, 1, [root])));
    tree.querySelector('[role=treeitem]')?.setAttribute('tabindex', '0');
    tree.addEventListener('keydown', (event) => keyedList(event, tree));
    parts.push(heading, tree);
  }
  list.replaceChildren(...parts);
}

function item(id: string, next: (id: string) => string[], level: number, above: string[]): HTMLElement {
  const node = nodeOf(id);
  const below = above.includes(id) ? [] : next(id);
  const words = make('span', { class: 'words' }, make('span', { class: 'kind' }, node?.kind ?? ''), ' ', make('span', { class: 'name' }, node?.name ?? id));
  if (node?.label && node.label !== node.name) words.append(' ', make('span', { class: 'label' }, node.label));
  if (node?.detail) words.append(' ', make('span', { class: 'detail' }, node.detail));
  const element = make('li', { role: 'treeitem', 'aria-level': String(level), tabindex: '-1', 'data-id': id, 'aria-label': words.textContent ?? '' }, words);
  words.addEventListener('click', () => tell({ type: 'open', id }));
  if (below.length > 0) {
    element.setAttribute('aria-expanded', 'true');
    element.append(make('ul', { role: 'group' }, ...below.map((one) => item(one, next, level + 1, [...above, id]))));
  }
  return element;
}

function keyedList(event: KeyboardEvent, tree: HTMLElement): void {
  const at = (event.target as HTMLElement).closest<HTMLElement>('[role=treeitem]');
  if (!at) return;
  const visible = [...tree.querySelectorAll<HTMLElement>('[role=treeitem]')].filter((one) => !one.parentElement?.closest('[aria-expanded=false]'));
  const index = visible.indexOf(at);
  const go = (to: HTMLElement | null | undefined): void => {
    if (!to) return;
    for (const one of visible) one.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  };
  const expanded = at.getAttribute('aria-expanded');
  const keys: Record<string, () => void> = {
    ArrowDown: () => go(visible[index + 1]),
    ArrowUp: () => go(visible[index - 1]),
    Home: () => go(visible[0]),
    End: () => go(visible.at(-1)),
    ArrowRight: () => (expanded === 'false' ? at.setAttribute('aria-expanded', 'true') : expanded === 'true' ? go(visible[index + 1]) : undefined),
    ArrowLeft: () => (expanded === 'true' ? at.setAttribute('aria-expanded', 'false') : go(at.parentElement?.closest<HTMLElement>('[role=treeitem]'))),
    Enter: () => tell({ type: 'open', id: at.dataset['id'] ?? '' }),
  };
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}
