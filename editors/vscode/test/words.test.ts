import { describe as group, expect, test } from 'vitest';
import type { MetasyncStatus } from '../src/protocol';
import { size } from '../src/views/cells';
import { type Explained, explanation } from '../src/views/explanation';
import { applied, isComment } from '../src/views/generation';
import { age, describe } from '../src/views/status';

group('the age of the metadata', () => {
  test.each([[5, 'now'], [61, '1 min'], [7300, '2 h'], [200_000, '2 d']])('%d seconds', (seconds, words) => expect(age(seconds)).toBe(words));

  test.each<[MetasyncStatus, string, string, boolean]>([
    [{ state: 'fresh', age: 7300, source: 'gs://b/cache.json', tables: 1200 }, '$(database) MetaSync 2 h', '1,200 tables', false],
    [{ state: 'stale', age: 200_000, reason: 'The store does not answer.' }, '$(history) MetaSync 2 d', 'The store does not answer.', true],
    [{ state: 'failed', reason: 'checksum' }, '$(warning) MetaSync', 'checksum', true],
    [{ state: 'not configured' }, '$(database) MetaSync off', 'not known', false],
    [{ state: 'loading' }, '$(sync~spin) MetaSync', 'being read', false],
  ])('%o', (status, text, detail, isWarning) => {
    const said = describe(status);
    expect(said.text).toBe(text);
    expect(said.details.join('\n')).toContain(detail);
    expect(said.isWarning).toBe(isWarning);
    expect(said.spoken).toContain(status.state);
  });
});

test('a proposal is the text with its edits, wherever they are', () => {
  const text = 'one\ntwo\nthree';
  const offsetAt = ({ line, character }: { line: number; character: number }): number => text.split('\n').slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + character;
  const range = (line: number, start: number, end: number) => ({ start: { line, character: start }, end: { line, character: end } });
  const document = { getText: () => text, offsetAt } as never;
  const edits = [{ range: range(0, 3, 3), newText: '!' }, { range: range(2, 0, 5), newText: '3' }] as never;
  expect(applied(document, edits)).toBe('one!\ntwo\n3');
});

test('the server looks for the question where the cursor is in a comment', () => {
  expect(['// 매출', '  /* a', ' * b', '{ // c'].map(isComment)).toEqual([true, true, true, true]);
  expect(['{"a": 1}', '"x": "http://y"'].map(isComment)).toEqual([false, false]);
});

test('an explanation says what is read, joined and counted', () => {
  const explained: Explained = {
    queries: [
      {
        name: null,
        description: 'Sales',
        dialect: 'duckdb',
        grain: ['stores__name'],
        models: { orders: 'shop.orders', stores: 'shop.stores' },
        leaves: [{ aggregate: 'SUM(total)', base: 'orders', metrics: ['revenue'], joins: [{ left: 'orders', right: 'stores', on: [['store_id', 'id']] }], filters: ["status <> 'x'"] }],
        stages: [{ stage: 'groups', filters: ['revenue > 1'] }],
        columns: [{ name: 'a|b', kind: 'metric', type: null, lineage: ['shop.orders.total'] }],
        order: ['-revenue'],
        limit: 5,
      },
    ],
  };
  const text = explanation(explained);
  for (const words of ['# Sales', 'One row for each `stores__name`.', 'Table `shop.orders`; each row counts once.', '`orders.store_id = stores.id`', "only where `status <> 'x'`", '## Filtered after aggregation', '`a\\|b`', 'At most 5 rows.']) {
    expect(text).toContain(words);
  }
});

test('sizes are in the units of people', () => {
  expect([size(812), size(1_234_567_890)]).toEqual(['812 bytes', '1.2 GB']);
});
