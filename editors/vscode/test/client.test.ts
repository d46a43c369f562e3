import { beforeEach, expect, test, vi } from 'vitest';

const sent: unknown[][] = [];
const configuration: { items: { section?: string }[] }[] = [];
let options: Record<string, never> = {};
vi.mock('vscode-languageclient/node', () => ({
  CloseAction: { DoNotRestart: 1 },
  ErrorAction: { Continue: 1 },
  ExecuteCommandRequest: { type: 'workspace/executeCommand' },
  WorkDoneProgress: { type: {} },
  LanguageClient: class {
    initializeResult = { capabilities: { experimental: { smq: { requests: ['smq/tree'] } } } };
    constructor(...args: unknown[]) {
      options = args[3] as never;
    }
    registerFeature(feature: { preInitialize(capabilities: object): void }): void {
      const capabilities = { executeCommandProvider: { commands: ['smq.compile', 'smq.restartIndex'] } };
      feature.preInitialize(capabilities);
      expect(capabilities).toEqual({});
    }
    error(): void {}
    sendRequest(...args: unknown[]): Promise<unknown> {
      sent.push(args);
      return Promise.resolve({});
    }
  },
}));

import { Client, endsItem, settings as serverSettings } from '../src/client';
import { Log } from '../src/log';
import { settings, workspace } from './vscode';

beforeEach(() => {
  sent.length = 0;
  configuration.length = 0;
  settings.clear();
  workspace.isTrusted = true;
});

const client = (): Client => new Client({ command: 'smq', args: ['lsp'], origin: 'path' }, new Log(), '/tmp', () => undefined);

test('a request without a token has one parameter, an object', async () => {
  await client().ask('smq/status', {});
  await client().execute('smq.restartIndex', []);
  expect(sent.map((args) => args.length)).toEqual([2, 2]);
});

test('it knows what the server can be asked, and which commands are its own', () => {
  const one = client();
  expect([one.has('smq/tree'), one.has('smq/run')]).toEqual([true, false]);
  expect(one.commands).toEqual(['smq.compile', 'smq.restartIndex']);
});

test('the server learns of trust whenever it asks for settings', async () => {
  workspace.isTrusted = false;
  client();
  const { middleware } = options as unknown as { middleware: { workspace: { configuration: (params: object, token: unknown, next: () => Promise<unknown[]>) => Promise<unknown> } } };
  const answer = await middleware.workspace.configuration({ items: [{ section: 'smq' }, { section: 'other' }] }, undefined, async () => [{ dialect: null }, { a: 1 }]);
  expect(answer).toEqual([{ dialect: null, trusted: false }, { a: 1 }]);
  expect(serverSettings()).toMatchObject({ trusted: false });
});

test('a comma at the end of a line opens no list that would take the Enter behind it', () => {
  expect(endsItem('  "metrics": ["revenue"],', 25)).toBe(true);
  expect(endsItem('  "filters": ["a IN (1,', 23)).toBe(false);
  expect(endsItem('  "metrics": ["a",]', 18)).toBe(false);
});
