// The grid of rows. Only the rows in view exist as elements; the active cell is always among them,
// so that the keyboard and a screen reader never lose their place.
import { type Cell, counted, type Direction, isNumeric, order, size, tabbed, text, width } from '../views/cells';
import type { FromResults, ToResults } from '../views/messages';
import type { RunResult } from '../protocol';
import { byId, host, make } from './host';

const ROW = 24;
const SPARE = 8;
const PAGE = 10;

const grid = byId('grid');
const title = byId('title');
const status = byId('status');
const buttons = { again: byId('again'), cancel: byId('cancel'), sql: byId('sql'), copy: byId('copy'), export: byId('export') };
const tell = (message: FromResults): void => host.postMessage(message);

let result: RunResult | undefined;
let shown: number[] = [];
let sorting: { column: number; direction: Direction } | undefined;
/** Row -1 is the header. */
let active = { row: -1, column: 0 };
let anchor = active;

window.addEventListener('message', (event: MessageEvent<ToResults>) => received(event.data));
grid.addEventListener('scroll', render);
new ResizeObserver(render).observe(grid);
grid.addEventListener('keydown', keyed);
grid.addEventListener('focusin', (event) => {
  const at = place(event.target);
  if (at && (at.row !== active.row || at.column !== active.column)) move(at.row, at.column, false);
});
grid.addEventListener('mousedown', (event) => {
  const at = place(event.target);
  if (!at) return;
  if (at.row >= 0) {
    event.preventDefault();
    move(at.row, at.column, event.shiftKey);
  }
});
grid.addEventListener('click', (event) => {
  const at = place(event.target);
  if (at?.row === -1) sort(at.column);
});
document.addEventListener('copy', (event) => {
  if (!result || !grid.contains(document.activeElement)) return;
  event.preventDefault();
  copySelection();
});
buttons.again.addEventListener('click', () => tell({ type: 'again' }));
buttons.cancel.addEventListener('click', () => tell({ type: 'cancel' }));
buttons.sql.addEventListener('click', () => tell({ type: 'sql' }));
buttons.export.addEventListener('click', () => tell({ type: 'export', order: shown }));
buttons.copy.addEventListener('click', () => {
  if (!result) return;
  const rows = [result.columns.map((column) => column.name), ...shown.map(row)];
  tell({ type: 'copy', text: tabbed(rows), what: counted(shown.length, 'row') });
});
tell({ type: 'ready' });

function received(message: ToResults): void {
  switch (message.type) {
    case 'loading':
      title.textContent = message.title;
      say('Running …');
      toggle({ cancel: true });
      grid.setAttribute('aria-busy', 'true');
      return;
    case 'progress':
      say(message.message);
      return;
    case 'cancelled':
      say('Cancelled; the engine has stopped.');
      toggle({ again: true });
      return;
    case 'failed':
      title.textContent = message.title;
      result = undefined;
      grid.hidden = true;
      say(message.message, 'error');
      toggle({ again: true });
      return;
    case 'result':
      take(message.result, message.title);
  }
}

function take(next: RunResult, words: string): void {
  result = next;
  sorting = undefined;
  shown = next.rows.map((_, index) => index);
  active = anchor = { row: next.rows.length > 0 ? 0 : -1, column: 0 };
  title.textContent = words;
  const more = next.truncated ? `the first ${counted(next.rows.length, 'row')}; there are more` : counted(next.rows.length, 'row');
  const read = next.bytes === null || next.bytes === undefined ? '' : `, ${size(next.bytes)} read`;
  say(`${more.charAt(0).toUpperCase()}${more.slice(1)} in ${next.elapsed.toFixed(2)} s on ${next.engine}${read}`);
  toggle({ again: true, sql: true, copy: next.rows.length > 0, export: next.rows.length > 0 });
  grid.removeAttribute('aria-busy');
  grid.setAttribute('aria-rowcount', String(next.rows.length + 1));
  grid.setAttribute('aria-colcount', String(next.columns.length));
  grid.setAttribute('aria-multiselectable', 'true');
  grid.style.setProperty('--columns', widths(next).map((columns) => `calc(${columns}ch + 22px)`).join(' '));
  grid.hidden = false;
  grid.scrollTo(0, 0);
  build();
}

/** How wide each column is, in digits; decided once, so that scrolling moves nothing. */
function widths(from: RunResult): number[] {
  return from.columns.map((column, index) => {
    const longest = Math.max(width(column.name), width(column.label ?? '') , ...from.rows.slice(0, 500).map((values) => width(text(values[index]))));
    return Math.min(48, Math.max(6, longest + 2));
  });
}

let body: HTMLElement;
let header: HTMLElement;

function build(): void {
  if (!result) return;
  header = make('div', { role: 'row', class: 'row header', 'aria-rowindex': '1' });
  result.columns.forEach((column, index) => {
    const cell = make('div', { role: 'columnheader', class: 'cell', 'data-row': '-1', 'data-column': String(index), tabindex: '-1' });
    if (isNumeric(column.type)) cell.classList.add('number');
    if (column.label && column.label !== column.name) cell.append(make('span', { class: 'label' }, column.label));
    cell.append(make('span', { class: 'name' }, column.name), make('span', { class: 'arrow', 'aria-hidden': 'true' }));
    cell.title = `${column.name}: ${column.type.toLowerCase()}. Click or press Enter to sort.`;
    header.append(cell);
  });
  body = make('div', { role: 'rowgroup', class: 'body' });
  body.style.height = `${shown.length * ROW}px`;
  grid.replaceChildren(make('div', { role: 'rowgroup', class: 'head' }, header), body);
  render();
}

function render(): void {
  if (!result || grid.hidden) return;
  const hadFocus = grid.contains(document.activeElement);
  const first = Math.max(0, Math.floor(grid.scrollTop / ROW) - SPARE);
  const last = Math.min(shown.length, Math.ceil((grid.scrollTop + grid.clientHeight) / ROW) + SPARE);
  const wanted = new Set<number>();
  for (let index = first; index < last; index++) wanted.add(index);
  if (active.row >= 0) wanted.add(active.row);
  body.replaceChildren(...[...wanted].sort((one, other) => one - other).map(rowElement));
  [...header.children].forEach((cell, index) => {
    const direction = sorting?.column === index ? sorting.direction : 'none';
    cell.setAttribute('aria-sort', direction);
    const arrow = cell.querySelector('.arrow');
    if (arrow) arrow.textContent = direction === 'ascending' ? '▲' : direction === 'descending' ? '▼' : '';
    cell.setAttribute('tabindex', active.row === -1 && active.column === index ? '0' : '-1');
  });
  if (hadFocus) cellAt(active.row, active.column)?.focus({ preventScroll: true });
}

function rowElement(index: number): HTMLElement {
  const element = make('div', { role: 'row', class: 'row', 'aria-rowindex': String(index + 2) });
  if (index % 2 === 1) element.classList.add('odd');
  element.style.top = `${index * ROW}px`;
  row(shown[index] ?? 0).forEach((value, column) => {
    const cell = make('div', { role: 'gridcell', class: 'cell', 'data-row': String(index), 'data-column': String(column) });
    const isActive = active.row === index && active.column === column;
    cell.setAttribute('tabindex', isActive ? '0' : '-1');
    if (value === null || value === undefined) {
      cell.classList.add('null');
      cell.append('NULL');
    } else {
      const words = text(value);
      cell.append(words);
      if (width(words) > 48) cell.title = words;
    }
    if (isNumeric(result?.columns[column]?.type ?? '')) cell.classList.add('number');
    if (isSelected(index, column)) {
      cell.classList.add('selected');
      cell.setAttribute('aria-selected', 'true');
    }
    element.append(cell);
  });
  return element;
}

function keyed(event: KeyboardEvent): void {
  if (!result) return;
  const [rows, columns] = [shown.length, result.columns.length];
  const { row: at, column } = active;
  const jump = event.ctrlKey || event.metaKey;
  const go = (nextRow: number, nextColumn: number): void => {
    event.preventDefault();
    move(Math.min(rows - 1, Math.max(-1, nextRow)), Math.min(columns - 1, Math.max(0, nextColumn)), event.shiftKey);
  };
  switch (event.key) {
    case 'ArrowDown': return go(jump ? rows - 1 : at + 1, column);
    case 'ArrowUp': return go(jump ? 0 : at - 1, column);
    case 'ArrowRight': return go(at, jump ? columns - 1 : column + 1);
    case 'ArrowLeft': return go(at, jump ? 0 : column - 1);
    case 'PageDown': return go(at + PAGE, column);
    case 'PageUp': return go(Math.max(0, at - PAGE), column);
    case 'Home': return go(jump ? 0 : at, 0);
    case 'End': return go(jump ? rows - 1 : at, columns - 1);
    case 'Enter':
    case ' ':
      if (at === -1) {
        event.preventDefault();
        sort(column);
      }
      return;
    case 'Escape':
      anchor = active;
      return render();
    case 'a':
      if (!jump || rows === 0) return;
      event.preventDefault();
      anchor = { row: 0, column: 0 };
      active = { row: rows - 1, column: columns - 1 };
      return render();
    case 'c':
      // Where the editor takes the keys, no copy event comes.
      if (!jump) return;
      event.preventDefault();
      copySelection();
  }
}

function move(toRow: number, toColumn: number, extends_: boolean): void {
  active = { row: toRow, column: toColumn };
  if (!extends_ || toRow < 0) anchor = active;
  if (toRow >= 0) {
    const [top, headHeight] = [toRow * ROW, header.offsetHeight];
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + ROW > grid.scrollTop + grid.clientHeight - headHeight) grid.scrollTop = top + ROW - grid.clientHeight + headHeight;
  }
  render();
  const cell = cellAt(toRow, toColumn);
  cell?.focus({ preventScroll: true });
  cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function sort(column: number): void {
  if (!result) return;
  const isAscending = sorting?.column === column && sorting.direction === 'ascending';
  const isDescending = sorting?.column === column && sorting.direction === 'descending';
  const name = result.columns[column]?.name ?? '';
  if (isDescending) {
    sorting = undefined;
    shown = result.rows.map((_, index) => index);
    say(`As the query orders them`);
  } else {
    sorting = { column, direction: isAscending ? 'descending' : 'ascending' };
    shown = order(result.rows, column, sorting.direction, isNumeric(result.columns[column]?.type ?? ''));
    say(`Sorted by ${name}, ${sorting.direction}`);
  }
  active = anchor = { row: -1, column };
  render();
  cellAt(-1, column)?.focus();
}

function copySelection(): void {
  if (!result) return;
  if (active.row < 0) {
    const name = result.columns[active.column]?.name ?? '';
    tell({ type: 'copy', text: name, what: name });
    return;
  }
  const [top, bottom] = [Math.min(anchor.row, active.row), Math.max(anchor.row, active.row)];
  const [left, right] = [Math.min(anchor.column, active.column), Math.max(anchor.column, active.column)];
  const cells = shown.slice(Math.max(0, top), bottom + 1).map((index) => row(index).slice(left, right + 1));
  const count = cells.length * (right - left + 1);
  tell({ type: 'copy', text: tabbed(cells), what: counted(count, 'cell') });
}

function isSelected(index: number, column: number): boolean {
  if (anchor.row === active.row && anchor.column === active.column) return false;
  return (
    index >= Math.min(anchor.row, active.row) && index <= Math.max(anchor.row, active.row) &&
    column >= Math.min(anchor.column, active.column) && column <= Math.max(anchor.column, active.column)
  );
}

function row(index: number): readonly Cell[] {
  return result?.rows[index] ?? [];
}

function cellAt(rowIndex: number, column: number): HTMLElement | null {
  return grid.querySelector(`.cell[data-row="${rowIndex}"][data-column="${column}"]`);
}

function place(target: EventTarget | null): { row: number; column: number } | undefined {
  const cell = target instanceof Element ? target.closest<HTMLElement>('.cell') : null;
  if (!cell) return undefined;
  return { row: Number(cell.dataset['row']), column: Number(cell.dataset['column']) };
}

function say(words: string, kind = ''): void {
  status.textContent = words;
  status.className = kind;
}

function toggle(visible: Partial<Record<keyof typeof buttons, boolean>>): void {
  for (const [name, button] of Object.entries(buttons)) button.hidden = !visible[name as keyof typeof buttons];
}
