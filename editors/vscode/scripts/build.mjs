// Bundles the extension and what runs inside its views, and copies the schemas that it ships.
import { cpSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
mkdirSync('schemas', { recursive: true });
for (const name of ['smq', 'semantic-model']) {
  cpSync(`../../schemas/smq_schemas/${name}.schema.json`, `schemas/${name}.schema.json`);
}
cpSync('../../LICENSE', 'LICENSE');

const watch = process.argv.includes('--watch');
const shared = { bundle: true, minify: !watch, sourcemap: watch ? 'linked' : false, logLevel: 'warning', legalComments: 'none' };
const bundles = [
  {
    ...shared,
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
  },
  {
    ...shared,
    entryPoints: ['src/webview/results.ts', 'src/webview/lineage.ts', 'src/webview/results.css', 'src/webview/lineage.css'],
    outdir: 'dist/webview',
    platform: 'browser',
    format: 'iife',
    target: 'chrome128',
  },
];
for (const options of bundles) {
  if (watch) await (await context(options)).watch();
  else await build(options);
}
