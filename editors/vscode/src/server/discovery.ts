// Which server to start. Everything is asked through `Surroundings`, so that this is one decision
// over facts: what each place has, in the order in which places are preferred.
import * as path from 'node:path';
import { isAtLeast, MINIMUM_PYTHON, MINIMUM_SERVER } from './version';

export type Origin = 'setting' | 'interpreter' | 'workspace' | 'path' | 'own';

export interface Server {
  command: string;
  args: string[];
  origin: Origin;
  /** As the installed package says; undefined when only the running server can tell. */
  version?: string;
}

export interface Interpreter {
  file: string;
  origin: Origin;
}

/** What a Python says about itself. */
export interface Probe {
  executable: string;
  python: string;
  /** The version of the server that is installed there. */
  server?: string;
}

export interface Surroundings {
  /** The setting `smq.server.command`. */
  command: readonly string[];
  isTrusted: boolean;
  folders: readonly string[];
  /** Interpreters in the order in which they are preferred. */
  interpreters(): Promise<Interpreter[]>;
  /** Programs called `smq` on the PATH. */
  programs(): Promise<string[]>;
  /** The Python of the extension's own environment, if it was made. */
  own(): Promise<string | undefined>;
  probe(python: string): Promise<Probe | undefined>;
  /** What `smq --version` says. */
  version(program: string): Promise<string | undefined>;
}

export type Discovery =
  | { kind: 'found'; server: Server; looked: string[] }
  | { kind: 'old'; server: Server; looked: string[] }
  | { kind: 'missing'; python: Probe; looked: string[] }
  | { kind: 'noPython'; tooOld: Probe | undefined; looked: string[] };

/** Look for a server; `looked` says in words what was found where. */
export async function discover(around: Surroundings): Promise<Discovery> {
  const looked: string[] = [];
  const [command, ...args] = around.command;
  if (command && around.isTrusted) {
    return { kind: 'found', server: { command, args, origin: 'setting' }, looked };
  }
  if (command) looked.push('smq.server.command waits until the workspace is trusted');

  let old: Server | undefined;
  let usable: Probe | undefined;
  let tooOld: Probe | undefined;
  const judged = (server: Server): Server | undefined => {
    const version = server.version ?? '';
    if (isAtLeast(version, MINIMUM_SERVER)) return server;
    looked.push(`${server.command}: SMQ ${version}, and ${MINIMUM_SERVER} is needed`);
    old ??= server;
    return undefined;
  };
  const inPython = async ({ file, origin }: Interpreter): Promise<Server | undefined> => {
    if (!isAllowed(file, around)) {
      looked.push(`${file}: in the workspace, which is not trusted`);
      return undefined;
    }
    const probe = await around.probe(file);
    if (!probe) {
      looked.push(`${file}: does not start`);
      return undefined;
    }
    if (!isAtLeast(probe.python, MINIMUM_PYTHON)) {
      looked.push(`${file}: Python ${probe.python}, and ${MINIMUM_PYTHON} is needed`);
      tooOld ??= probe;
      return undefined;
    }
    usable ??= probe;
    if (probe.server === undefined) {
      looked.push(`${file}: Python ${probe.python} without SMQ`);
      return undefined;
    }
    return judged({ ...start(probe.executable), origin, version: probe.server });
  };

  const all = await around.interpreters();
  for (const interpreter of all.filter((one) => one.origin !== 'path')) {
    const server = await inPython(interpreter);
    if (server) return { kind: 'found', server, looked };
  }
  for (const program of await around.programs()) {
    if (!isAllowed(program, around)) continue;
    const version = await around.version(program);
    if (version === undefined) {
      looked.push(`${program}: does not say its version`);
      continue;
    }
    const server = judged({ command: program, args: ['lsp'], origin: 'path', version });
    if (server) return { kind: 'found', server, looked };
  }
  const own = await around.own();
  if (own !== undefined) {
    const server = await inPython({ file: own, origin: 'own' });
    if (server) return { kind: 'found', server, looked };
  }
  for (const interpreter of all.filter((one) => one.origin === 'path')) {
    const server = await inPython(interpreter);
    if (server) return { kind: 'found', server, looked };
  }
  if (old) return { kind: 'old', server: old, looked };
  if (usable) return { kind: 'missing', python: usable, looked };
  return { kind: 'noPython', tooOld, looked };
}

/** How a Python starts the server; -P keeps files of the current directory out of its imports. */
export function start(python: string): { command: string; args: string[] } {
  return { command: python, args: ['-P', '-m', 'smq_server.main', 'lsp'] };
}

/** Nothing that a workspace brings along is run before somebody trusts it. */
export function isAllowed(file: string, around: Pick<Surroundings, 'isTrusted' | 'folders'>): boolean {
  if (around.isTrusted) return true;
  return !around.folders.some((folder) => {
    const relative = path.relative(folder, file);
    return !relative.startsWith('..') && !path.isAbsolute(relative);
  });
}
