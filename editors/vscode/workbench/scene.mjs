// What all chapters know: the example workspaces, what was installed, and how a window is left.
import { dirname, join, resolve } from 'node:path';
import { python, repository } from './workbench.mjs';

/** The extension to install, and where pictures go. */
export const vsix = process.argv[2];
export const shots = resolve(process.argv[3] ?? '.');
export const shop = join(repository, 'examples/shop');
export const bank = join(repository, 'examples/bank');
/** Directories of the PATH of somebody who has the server. */
export const installed = [dirname(python)];

/** What may stand in a log of the extension host although nothing is wrong with us. */
const KNOWN = [/chat|copilot|github|telemetry|vscode\.git|Failed to fetch|microsoft-authentication/i];

/** Look into all logs; `expected`: what this chapter was to cause. */
export async function finish(tell, bench, expected = []) {
  await tell('no error in any log', bench, async () => {
    const lines = Object.entries(bench.logs()).flatMap(([name, text]) => text.split('\n').filter((line) => /\[(error|warning)\]/.test(line)).map((line) => `${name}: ${line}`));
    const bad = [...lines.filter((line) => ![...KNOWN, ...expected].some((pattern) => pattern.test(line))), ...bench.problems];
    if (bad.length > 0) throw new Error(bad.join('\n'));
  });
  await bench.close();
}
