// What the extension and its views say to each other.
import type { LineageResult, RunResult } from '../protocol';

export interface Titled {
  /** The question in words, or the file's name. */
  title: string;
}

export type ToResults =
  | ({ type: 'loading' } & Titled)
  | { type: 'progress'; message: string }
  | ({ type: 'result'; result: RunResult } & Titled)
  | ({ type: 'failed'; message: string } & Titled)
  | { type: 'cancelled' };

export type FromResults =
  | { type: 'ready' }
  | { type: 'copy'; text: string; what: string }
  /** Rows in the order in which they are shown. */
  | { type: 'export'; order: number[] }
  | { type: 'cancel' }
  | { type: 'again' }
  | { type: 'sql' };

export type ToLineage = ({ type: 'lineage'; result: LineageResult } & Titled) | { type: 'empty'; message: string };
export type FromLineage = { type: 'ready' } | { type: 'open'; id: string };
