import { expect, test } from 'vitest';
import { csv, isNumeric, order, tabbed, width } from '../src/views/cells';

test('digits beyond a double decide the order', () => {
  const rows = [['10000000000000000.2'], ['10000000000000000.1'], [-3], [null], ['2.50']];
  expect(order(rows, 0, 'ascending', true)).toEqual([2, 4, 1, 0, 3]);
  expect(order(rows, 0, 'descending', true)).toEqual([0, 1, 4, 2, 3]);
});

test('NULL comes last in both directions, and equal rows keep their order', () => {
  const rows = [[null, 1], ['b', 2], ['a', 3], ['b', 4]];
  expect(order(rows, 0, 'ascending', false)).toEqual([2, 1, 3, 0]);
  expect(order(rows, 0, 'descending', false)).toEqual([1, 3, 2, 0]);
});

test('numbers of engines that are not finite do not break the order', () => {
  expect(order([['NaN'], [1], ['1e300'], [-2]], 0, 'ascending', true)).toEqual([3, 1, 2, 0]);
});

test('CSV keeps every digit and quotes what would fall apart', () => {
  expect(csv(['지역', 'amount'], [['서울, 강남', '123456789012345678901.10'], ['say "hi"\nthere', null], ['', 0]])).toBe(
    '지역,amount\r\n"서울, 강남",123456789012345678901.10\r\n"say ""hi""\nthere",\r\n"",0\r\n',
  );
});

test('the clipboard gets tabs, and quotes only where needed', () => {
  expect(tabbed([['a', 1], ['b\tc', true]])).toBe('a\t1\n"b\tc"\ttrue');
});

test('engines name their numbers in many ways; an interval is none', () => {
  for (const type of ['BIGINT', 'DECIMAL(18,2)', 'int8', 'FLOAT64', 'numeric', 'HUGEINT', 'UINTEGER', 'double precision']) expect(isNumeric(type), type).toBe(true);
  for (const type of ['VARCHAR', 'INTERVAL', 'DATE', 'point', 'BOOLEAN']) expect(isNumeric(type), type).toBe(false);
});

test('Hangul takes two columns', () => {
  expect(width('고객 A')).toBe(6);
});
