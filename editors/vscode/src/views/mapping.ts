// The way between a query and its SQL, both ways, as plain arithmetic over places.
import type { CompiledReport, MappingTarget, Position, Range } from '../protocol';

/** A compiled query and the line of the preview at which its SQL begins. */
export interface Segment {
  report: CompiledReport;
  line: number;
}

export function contains(range: Range, at: Position): boolean {
  return !isBefore(at, range.start) && !isBefore(range.end, at);
}

function isBefore(left: Position, right: Position): boolean {
  return left.line < right.line || (left.line === right.line && left.character < right.character);
}

/** Compares how much text two ranges cover; good enough for ranges that nest. */
function isNarrower(left: Range, right: Range): boolean {
  const lines = (range: Range): number => range.end.line - range.start.line;
  if (lines(left) !== lines(right)) return lines(left) < lines(right);
  return left.end.character - left.start.character < right.end.character - right.start.character;
}

/** Ranges of the preview that came from the narrowest thing at a place of a file. */
export function became(segments: readonly Segment[], uri: string, at: Position): Range[] {
  let best: { key: string; range: Range } | undefined;
  const found = new Map<string, Range[]>();
  for (const { report, line } of segments) {
    for (const entry of report.mapping) {
      for (const target of entry.targets) {
        if (target.uri !== uri || !contains(target.range, at)) continue;
        const key = keyOf(target.range);
        const ranges = found.get(key) ?? [];
        ranges.push(shifted(entry.sqlRange, line));
        found.set(key, ranges);
        if (!best || isNarrower(target.range, best.range)) best = { key, range: target.range };
      }
    }
  }
  if (!best) return [];
  return outermost(found.get(best.key) ?? []);
}

/** What the narrowest stretch of SQL at a place of the preview comes from, nearest cause first. */
export function cameFrom(segments: readonly Segment[], at: Position): { range: Range; targets: MappingTarget[] } | undefined {
  let best: { range: Range; targets: MappingTarget[] } | undefined;
  for (const { report, line } of segments) {
    for (const entry of report.mapping) {
      const range = shifted(entry.sqlRange, line);
      if (!contains(range, at)) continue;
      if (!best || isNarrower(range, best.range)) best = { range, targets: entry.targets };
    }
  }
  return best;
}

/** Marks inside marks only make the outer ones darker. */
function outermost(ranges: readonly Range[]): Range[] {
  return ranges.filter(
    (range, index) =>
      !ranges.some((other, place) => {
        if (place === index) return false;
        const covers = contains(other, range.start) && contains(other, range.end);
        return covers && (isNarrower(range, other) || place < index);
      }),
  );
}

function shifted(range: Range, lines: number): Range {
  const move = ({ line, character }: Position): Position => ({ line: line + lines, character });
  return { start: move(range.start), end: move(range.end) };
}

function keyOf({ start, end }: Range): string {
  return `${start.line}:${start.character}-${end.line}:${end.character}`;
}
