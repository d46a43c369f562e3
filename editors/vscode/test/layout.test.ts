import { expect, test } from 'vitest';
import type { LineageNode } from '../src/protocol';
import { draw } from '../src/views/layout';

const node = (id: string): LineageNode => ({ id, kind: 'metric', name: id });

test('what is asked stands to the right of what asks, and no two boxes overlap', () => {
  const edges = [['q', 'm1'], ['q', 'm2'], ['m1', 'c1'], ['m2', 'c1'], ['m2', 'm1'], ['m2', 'c2']] as const;
  const { boxes, width, height } = draw(['q', 'm1', 'm2', 'c1', 'c2'].map(node), edges.map(([from, to]) => ({ from, to })));
  for (const [from, to] of edges) expect(boxes.get(from)!.x + boxes.get(from)!.width).toBeLessThan(boxes.get(to)!.x);
  const all = [...boxes.values()];
  for (const one of all) {
    expect(one.x + one.width).toBeLessThanOrEqual(width);
    expect(one.y + one.height).toBeLessThanOrEqual(height);
    for (const other of all) {
      if (one === other) continue;
      const apart = one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
      expect(apart, `${one.node.id} and ${other.node.id}`).toBe(true);
    }
  }
});

test('two pairs in the wrong order are untangled', () => {
  const { boxes } = draw(['root', 'a', 'b', 'x', 'y'].map(node), [['root', 'a'], ['root', 'b'], ['a', 'y'], ['b', 'x']].map(([from, to]) => ({ from: from!, to: to! })));
  expect(boxes.get('a')!.y < boxes.get('b')!.y).toBe(boxes.get('y')!.y < boxes.get('x')!.y);
});

test('edges to nowhere and circles do not hang it', () => {
  const { boxes } = draw([node('a'), node('b')], [{ from: 'a', to: 'b' }, { from: 'b', to: 'a' }, { from: 'a', to: 'gone' }]);
  expect(boxes.size).toBe(2);
});
