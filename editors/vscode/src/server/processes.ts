// Short programs that are run to ask them something.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import * as path from 'node:path';

export interface Finished {
  /** Exit status; undefined when the program could not be started or was killed. */
  status: number | undefined;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd: string;
  timeout?: number;
  signal?: AbortSignal;
  /** Called with each piece of output as it comes. */
  onOutput?: (text: string) => void;
}

/** Run a program to its end; never throws. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      {
        cwd: options.cwd,
        timeout: options.timeout ?? 20_000,
        encoding: 'utf8',
        maxBuffer: 16 * 1024 * 1024,
        windowsHide: true,
        env: { ...process.env, PYTHONIOENCODING: 'utf-8', PYTHONUTF8: '1' },
        ...(options.signal ? { signal: options.signal } : {}),
      },
      (error, stdout, stderr) => {
        const code = error ? (error as { code?: unknown }).code : 0;
        const status = typeof code === 'number' ? code : undefined;
        resolve({ status, stdout, stderr: stderr || (status === undefined && error ? error.message : '') });
      },
    );
    if (options.onOutput) {
      child.stdout?.on('data', options.onOutput);
      child.stderr?.on('data', options.onOutput);
    }
  });
}

/** All programs of these names on the PATH, in its order. Relative entries of the PATH do not count. */
export async function onPath(names: readonly string[], search = process.env['PATH'] ?? ''): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    for (const directory of search.split(path.delimiter)) {
      if (!path.isAbsolute(directory)) continue;
      const file = path.join(directory, process.platform === 'win32' ? `${name}.exe` : name);
      if (!found.includes(file) && (await isProgram(file))) found.push(file);
    }
  }
  return found;
}

export async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Where an environment has its Python. */
export function pythonIn(environment: string): string {
  return process.platform === 'win32'
    ? path.join(environment, 'Scripts', 'python.exe')
    : path.join(environment, 'bin', 'python');
}

export function homeDirectory(): string {
  return process.env['HOME'] ?? process.env['USERPROFILE'] ?? '~';
}

/** A path as people like to read it. */
export function short(file: string): string {
  const home = homeDirectory();
  return home.length > 1 && file.startsWith(home) ? `~${file.slice(home.length)}` : file;
}
