// Values of a result: how they sort, how they read, and how they become text of other formats.
// Shared by the extension and the view, so it knows neither of them.

/** As it comes over the wire: numbers that JSON cannot hold, dates and the like are strings. */
export type Cell = unknown;

const NUMERIC = /^(?:u?(?:tiny|small|medium|big|huge)?int(?:eger)?\d*|decimal|numeric|bignumeric|double|float\d*|real|number|money|serial)/i;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;

/** Whether an engine's type is a number; `INTERVAL` is not. */
export function isNumeric(type: string): boolean {
  return NUMERIC.test(type) && !/^interval/i.test(type);
}

/** What is shown; NULL is said by the caller. */
export function text(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'object') return JSON.stringify(cell);
  return String(cell);
}

const collator = new Intl.Collator(undefined, { numeric: false, sensitivity: 'variant' });

/** For ascending order; without NULLs, which `order` puts last whatever the direction. */
export function compare(left: Cell, right: Cell, numeric: boolean): number {
  if (numeric) return compareNumbers(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return collator.compare(text(left), text(right));
}

function compareNumbers(left: Cell, right: Cell): number {
  const [a, b] = [text(left), text(right)];
  if (DECIMAL.test(a) && DECIMAL.test(b)) {
    // Digits beyond what a double holds decide as well.
    const places = Math.max(fraction(a), fraction(b));
    const difference = scaled(a, places) - scaled(b, places);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  const [x, y] = [Number(a), Number(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return x < y ? -1 : x > y ? 1 : 0;
}

const fraction = (digits: string): number => digits.split('.')[1]?.length ?? 0;
const scaled = (digits: string, places: number): bigint =>
  BigInt(digits.replace('.', '') + '0'.repeat(places - fraction(digits)));

export type Direction = 'ascending' | 'descending';

/** The rows' indices in the order of a column; equal rows stay as they were, NULLs come last. */
export function order(rows: readonly (readonly Cell[])[], column: number, direction: Direction, numeric: boolean): number[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return rows
    .map((_, index) => index)
    .sort((one, other) => {
      const [left, right] = [rows[one]?.[column] ?? null, rows[other]?.[column] ?? null];
      if (left === null || right === null) return Number(left === null) - Number(right === null) || one - other;
      return sign * compare(left, right, numeric) || one - other;
    });
}

/** RFC 4180: CRLF, quotes where a comma, a quote or a line end asks for them. NULL is empty, an empty text is "". */
export function csv(names: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const quoted = (value: string): string => (/[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const field = (cell: Cell): string => (cell === '' ? '""' : quoted(text(cell)));
  return [names.map(quoted), ...rows.map((row) => row.map(field))].map((line) => `${line.join(',')}\r\n`).join('');
}

/** What spreadsheets take from the clipboard. */
export function tabbed(rows: readonly (readonly Cell[])[]): string {
  const field = (cell: Cell): string => {
    const value = text(cell);
    return /[\t"\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  };
  return rows.map((row) => row.map(field).join('\t')).join('\n');
}

/** Columns that a text takes on screen; Hangul, Han and the like take two. */
export function width(value: string): number {
  let columns = 0;
  for (const char of value) columns += /[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\uFF00-\uFF60\p{Extended_Pictographic}]/u.test(char) ? 2 : 1;
  return columns;
}

/** "1 row", "1,234 rows". */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** "812 bytes", "1.2 GB". */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
