// Interpreters of this machine, and what they say about themselves.
import { mkdir } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { type Log, words } from '../log';
import type { Interpreter, Probe } from './discovery';
import { homeDirectory, isProgram, onPath, pythonIn, run } from './processes';

const QUESTION = `
import json, sys
server = None
try:
    from importlib.metadata import version
    from importlib.util import find_spec
    server = version("smq") if find_spec("smq_server") else None
except Exception:
    pass
print(json.dumps({"executable": sys.executable, "python": "%d.%d.%d" % sys.version_info[:3], "server": server}))
`;

const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'];

/** The part of the Python extension's interface that is used here. */
interface PythonApi {
  environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    resolveEnvironment(path: { path: string }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

export class Pythons {
  readonly #changed = new vscode.EventEmitter<void>();
  /** Somebody has chosen another interpreter. */
  readonly onDidChange = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[] = [this.#changed];
  #api: Promise<PythonApi | undefined> | undefined;

  constructor(
    private readonly log: Log,
    /** A directory of ours to run Pythons in: the current one is among their imports. */
    private readonly quiet: string,
  ) {}

  async probe(python: string): Promise<Probe | undefined> {
    await mkdir(this.quiet, { recursive: true });
    const { status, stdout, stderr } = await run(python, ['-c', QUESTION], { cwd: this.quiet });
    if (status !== 0) {
      this.log.warn(`${python} does not answer: ${stderr.trim().split('\n').at(-1) ?? status}`);
      return undefined;
    }
    try {
      const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { executable: string; python: string; server: string | null };
      return {
        executable: said.executable || python,
        python: said.python,
        ...(said.server === null ? {} : { server: said.server }),
      };
    } catch (error) {
      this.log.warn(`${python} answers something else: ${words(error)}`);
      return undefined;
    }
  }

  async version(program: string): Promise<string | undefined> {
    await mkdir(this.quiet, { recursive: true });
    const { status, stdout } = await run(program, ['--version'], { cwd: this.quiet });
    return status === 0 ? /^smq (\S+)/m.exec(stdout)?.[1] : undefined;
  }

  /** Chosen ones first, then those of the workspace, then those of the machine. */
  async interpreters(): Promise<Interpreter[]> {
    const found: Interpreter[] = [];
    const add = (file: string | undefined, origin: Interpreter['origin']): void => {
      if (file && !found.some((one) => one.file === file)) found.push({ file, origin });
    };
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((one) => one.uri.scheme === 'file');
    // What a workspace sets or brings along is code of the workspace.
    if (vscode.workspace.isTrusted) {
      add(await this.#chosen(folders[0]?.uri), 'interpreter');
      add(await this.#preset(folders[0]), 'interpreter');
      for (const folder of folders) {
        for (const name of ['.venv', 'venv']) {
          const file = pythonIn(path.join(folder.uri.fsPath, name));
          if (await isProgram(file)) add(file, 'workspace');
        }
      }
    }
    for (const file of await onPath(NAMES)) add(file, 'path');
    return found;
  }

  dispose(): void {
    for (const one of this.#subscriptions) one.dispose();
  }

  async #chosen(folder: vscode.Uri | undefined): Promise<string | undefined> {
    this.#api ??= this.#connect();
    const api = await this.#api;
    if (!api) return undefined;
    try {
      const environment = await api.environments.resolveEnvironment(api.environments.getActiveEnvironmentPath(folder));
      return environment?.executable.uri?.fsPath;
    } catch (error) {
      this.log.warn(`The Python extension does not say which interpreter is chosen: ${words(error)}`);
      return undefined;
    }
  }

  async #connect(): Promise<PythonApi | undefined> {
    const extension = vscode.extensions.getExtension<PythonApi>('ms-python.python');
    if (!extension) return undefined;
    try {
      const api = await extension.activate();
      this.#subscriptions.push(api.environments.onDidChangeActiveEnvironmentPath(() => this.#changed.fire()));
      return api;
    } catch (error) {
      this.log.warn(`The Python extension did not start: ${words(error)}`);
      return undefined;
    }
  }

  async #preset(folder: vscode.WorkspaceFolder | undefined): Promise<string | undefined> {
    const written = vscode.workspace.getConfiguration('python', folder?.uri).get<string>('defaultInterpreterPath');
    // "python" is that setting's default and means: nothing was chosen.
    if (!written || written === 'python') return undefined;
    const file = written.replaceAll('${workspaceFolder}', folder?.uri.fsPath ?? '').replace(/^~(?=[/\\])/, homeDirectory());
    if (path.isAbsolute(file)) return (await isProgram(file)) ? file : undefined;
    return (await onPath([file]))[0];
  }
}
