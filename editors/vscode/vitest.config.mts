import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    alias: { vscode: fileURLToPath(new URL('test/vscode.ts', import.meta.url)) },
    // The client is CommonJS among the installed packages; inlined, it gets the same fake.
    server: { deps: { inline: [/vscode-languageclient/] } },
    restoreMocks: true,
  },
});
