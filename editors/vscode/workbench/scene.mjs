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

/** What may stand in a log although nothing is wrong with us: what VS Code, as it runs here, says of itself. */
const KNOWN = {
  'features that are off, and accounts that nobody has': /chat|copilot|github|telemetry|vscode\.git|Failed to fetch|microsoft-authentication|mcpGateway/i,
  'its agents, which want a database that is not built here': /agenthost|vscode-sqlite3|Request \d+ timed out/i,
  'what it would tell Microsoft, from where there is no network': /events\.data\.microsoft\.com/,
  'a part that is not in free builds': /\/vsda\//,
  'its frame for extensions of the web': /web worker extension host|allow-scripts and allow-same-origin/,
  'its tree, when it asks for what is below an item while all are listed anew; it asks again': /No tree item with id '/,
  'its own slow start': /Creation of workbench contribution '[\w.]+' took \d+ms|has been holding on to the lock/,
};

/** Look into the logs; `expected`: what this chapter was to cause; `every`: also into those of VS Code and of the window. */
export async function finish(tell, bench, expected = [], every = false) {
  await tell('no error in any log', bench, async () => {
    const lines = Object.entries(bench.logs(every)).flatMap(([name, text]) => text.split('\n').filter((line) => /\[(error|warning)\]/i.test(line)).map((line) => `${name}: ${line}`));
    const bad = [...lines.filter((line) => ![...Object.values(KNOWN), ...expected].some((pattern) => pattern.test(line))), ...bench.problems];
    if (bad.length > 0) throw new Error(bad.join('\n'));
  });
  await bench.close();
}
