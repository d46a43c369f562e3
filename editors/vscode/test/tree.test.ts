import { expect, test, vi } from 'vitest';

import { Log } from '../src/log';
import type { TreeParams, TreeWorkspace } from '../src/protocol';
import type { Session } from '../src/session';
import { type Item, Tree } from '../src/views/tree';

const location = { uri: 'file:///w/m.yml', range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } } };
const METRICS = 1200;

function answered({ first = 0, most, members, model }: TreeParams): TreeWorkspace {
  const end = Math.min(METRICS, first + (most ?? METRICS));
  const metrics = Array.from({ length: Math.max(0, end - first) }, (_, at) => ({ name: `metric_${first + at}`, kind: 'simple', location, uses: 0, models: [] }));
  const dimension = { name: 'day', kind: 'dimension' as const, reference: 'orders__day', location };
  const orders = { name: 'orders', location, entities: [], dimensions: members === false ? [] : [dimension], measures: [] };
  return { uri: 'file:///w', name: 'w', models: first === 0 ? [orders] : [], metrics: model ? [] : metrics, modelCount: 1, metricCount: METRICS };
}

function tree(): { tree: Tree; asked: TreeParams[] } {
  const asked: TreeParams[] = [];
  const session = {
    onDidChangeState: vi.fn(),
    onDidChangeStatus: vi.fn(),
    ask: async (_: string, params: TreeParams) => {
      asked.push(params);
      return { workspaces: [answered(params)] };
    },
  };
  return { tree: new Tree({ subscriptions: [] } as never, session as unknown as Session, new Log()), asked };
}

const names = (items: Item[]): (string | undefined)[] => items.map((item) => (item.kind === 'metric' ? item.metric.name : item.kind));

test('metrics come in pages, and the line at the end lists more of them', async () => {
  const { tree: one } = tree();
  const [metrics] = await one.getChildren();
  expect(one.getTreeItem(metrics as Item).description).toBe('1,200');
  for (const [shown, left] of [[500, 700], [1000, 200]] as const) {
    const items = await one.getChildren(metrics);
    expect(items.length).toBe(shown + 1);
    const last = items.at(-1) as Item & { kind: 'more' };
    expect(one.getTreeItem(last).label).toBe(`… ${left} more`);
    await one.more(last);
  }
  expect(names(await one.getChildren(metrics))).toEqual(Array.from({ length: METRICS }, (_, at) => `metric_${at}`));
});

test('members are asked for when a model is opened', async () => {
  const { tree: one, asked } = tree();
  const [, models] = await one.getChildren();
  const [orders] = await one.getChildren(models);
  expect(asked).toEqual([{ most: 500, members: false }]);
  const [dimensions] = await one.getChildren(orders);
  expect(asked.at(-1)).toEqual({ uri: 'file:///w', model: 'orders' });
  expect(await one.getChildren(dimensions)).toMatchObject([{ kind: 'member', member: { reference: 'orders__day' } }]);
});
