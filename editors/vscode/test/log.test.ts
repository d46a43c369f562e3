import { expect, test } from 'vitest';
import { serverLines } from '../src/log';

test('what the server says has the level that it says, and the lines below it as well', () => {
  const seen: string[] = [];
  const at = (level: string) => (line: string) => void seen.push(`${level}: ${line}`);
  const take = serverLines({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') });
  for (const line of [
    'no module named smq',
    '2026-01-02 03:04:05,678 INFO smq_server.lsp.session: read 21 files',
    '2026-01-02 03:04:05,678 WARNING smq_server.lsp.roots: 한글.yml is gone',
    '2026-01-02 03:04:05,678 ERROR smq_server.lsp.app: hover failed',
    'Traceback (most recent call last):',
    '2026-01-02 03:04:05,678 DEBUG smq_server.lsp.wire: 3 ms',
  ]) take(line);
  expect(seen).toEqual([
    'error: no module named smq',
    'info: smq_server.lsp.session: read 21 files',
    'warn: smq_server.lsp.roots: 한글.yml is gone',
    'error: smq_server.lsp.app: hover failed',
    'error: Traceback (most recent call last):',
    'debug: smq_server.lsp.wire: 3 ms',
  ]);
});
