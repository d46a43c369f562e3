import { expect, test } from 'vitest';
import type { CompiledReport, MappingTarget, Range } from '../src/protocol';
import { became, cameFrom } from '../src/views/mapping';

const range = (line: number, start: number, end: number, lastLine = line): Range => ({
  start: { line, character: start },
  end: { line: lastLine, character: end },
});
const target = (uri: string, at: Range, label: string): MappingTarget => ({ uri, range: at, kind: 'metric', label });

// Line 0: SELECT, line 1: SUM(x) AS revenue; the item of the query is at 1:13, the metric in YAML at 5:4.
const report: CompiledReport = {
  index: 0,
  part: 0,
  range: range(0, 0, 1, 4),
  columns: [],
  tables: [],
  problems: [],
  sql: 'SELECT\n  SUM(x) AS revenue\nFROM t',
  mapping: [
    { sqlRange: range(0, 0, 6, 2), targets: [target('q', range(0, 0, 1, 4), 'the query')] },
    { sqlRange: range(1, 2, 19), targets: [target('q', range(1, 13, 20), 'revenue'), target('m', range(5, 4, 30), 'revenue')] },
    { sqlRange: range(1, 2, 8), targets: [target('q', range(1, 13, 20), 'revenue'), target('m', range(9, 4, 30), 'x')] },
  ],
};
const segments = [{ report, line: 1 }];

test('a place of the query marks the widest stretch of SQL that it became, once', () => {
  expect(became(segments, 'q', { line: 1, character: 15 })).toEqual([range(2, 2, 19)]);
});

test('a place of a model file marks its part of the SQL', () => {
  expect(became(segments, 'm', { line: 9, character: 10 })).toEqual([range(2, 2, 8)]);
});

test('the narrowest stretch of SQL says where it comes from, nearest cause first', () => {
  expect(cameFrom(segments, { line: 2, character: 4 })?.targets.map((one) => one.label)).toEqual(['revenue', 'x']);
  expect(cameFrom(segments, { line: 3, character: 1 })?.targets.map((one) => one.label)).toEqual(['the query']);
});

test('nothing is marked where nothing belongs together', () => {
  expect(became(segments, 'other', { line: 1, character: 15 })).toEqual([]);
  expect(cameFrom(segments, { line: 9, character: 0 })).toBeUndefined();
});
