// The extension's own environment: made beside everything else of the machine, and whole or absent.
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { isProgram, pythonIn, run, short } from './processes';

/** Why it did not work, in words for people, and what they can do. */
export class InstallFailure extends Error {}

/** A window that closes in the middle leaves its lock; after this long it counts for nothing. */
const LOCK_MILLISECONDS = 10 * 60_000;

export interface Wishes {
  python: string;
  extras: readonly string[];
  signal: AbortSignal;
  report(step: string): void;
  output(text: string): void;
}

export class OwnEnvironment {
  readonly #directory: string;

  constructor(
    /** A directory that only this extension uses. */
    private readonly storage: string,
    /** Where the extension has the server's wheel. */
    private readonly bundled: string,
    private readonly version: string,
  ) {
    this.#directory = path.join(storage, `server-${version}`);
  }

  /** Its Python, once everything was installed. */
  async python(): Promise<string | undefined> {
    const file = pythonIn(this.#directory);
    try {
      await stat(this.#marker);
    } catch {
      return undefined;
    }
    return (await isProgram(file)) ? file : undefined;
  }

  /** The extras that it was installed with. */
  async extras(): Promise<string[] | undefined> {
    try {
      return (JSON.parse(await readFile(this.#marker, 'utf8')) as { extras: string[] }).extras;
    } catch {
      return undefined;
    }
  }

  /** Make it anew; the Python it then has. Throws InstallFailure, and leaves nothing behind. */
  async install(wishes: Wishes): Promise<string> {
    await mkdir(this.storage, { recursive: true });
    await this.#lock();
    try {
      const wheel = await this.#wheel();
      await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
      const options = { cwd: this.storage, timeout: 15 * 60_000, signal: wishes.signal, onOutput: wishes.output };

      wishes.report('making an environment');
      const made = await run(wishes.python, ['-m', 'venv', this.#directory], options);
      if (made.status !== 0) throw this.#failure(wishes, made.stdout + made.stderr, 'make an environment');

      wishes.report('installing the server and what it needs');
      const wanted = wishes.extras.length > 0 ? `${wheel}[${wishes.extras.join(',')}]` : wheel;
      const python = pythonIn(this.#directory);
      const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off', wanted];
      const installed = await run(python, pip, options);
      if (installed.status !== 0) throw this.#failure(wishes, installed.stdout + installed.stderr, 'install the server');

      await writeFile(this.#marker, JSON.stringify({ version: this.version, extras: wishes.extras }));
      await this.#removeOthers();
      return python;
    } catch (error) {
      await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
      throw error;
    } finally {
      await rm(this.#lockDirectory, { recursive: true, force: true });
    }
  }

  get #marker(): string {
    return path.join(this.#directory, 'installed.json');
  }

  get #lockDirectory(): string {
    return `${this.#directory}.lock`;
  }

  async #lock(): Promise<void> {
    try {
      await mkdir(this.#lockDirectory);
    } catch {
      const age = Date.now() - (await stat(this.#lockDirectory)).mtimeMs;
      if (age < LOCK_MILLISECONDS) {
        throw new InstallFailure('Another window is installing the language server right now. Restart the server here when it is done.');
      }
    }
  }

  async #wheel(): Promise<string> {
    const names = await readdir(this.bundled).catch(() => [] as string[]);
    const name = names.find((one) => one.endsWith('.whl'));
    if (name === undefined) {
      throw new InstallFailure('This copy of the extension came without the server. Install smq with pip into your Python environment instead.');
    }
    return path.join(this.bundled, name);
  }

  #failure(wishes: Wishes, output: string, what: string): InstallFailure {
    if (wishes.signal.aborted) return new InstallFailure('Installing was cancelled; nothing was kept.');
    if (/ensurepip|python3?[\d.]*-venv/.test(output)) {
      return new InstallFailure(
        `${short(wishes.python)} cannot make environments, because its venv module is not complete. On Debian and Ubuntu, run "sudo apt install python3-venv", then install again.`,
      );
    }
    if (/No space left|ENOSPC/.test(output)) return new InstallFailure(`Could not ${what}: the disk is full.`);
    if (/Temporary failure in name resolution|NewConnectionError|Connection refused|Network is unreachable|getaddrinfo failed|Could not fetch|No matching distribution/.test(output)) {
      return new InstallFailure(
        `Could not ${what}: pip does not reach its package index. Check the network, or pip's proxy and index settings, then install again.`,
      );
    }
    const last = output.trim().split('\n').reverse().find((line) => /error/i.test(line)) ?? output.trim().split('\n').at(-1) ?? '';
    return new InstallFailure(`Could not ${what}: ${last.replace(/^ERROR:\s*/, '').slice(0, 200) || 'no reason was given'}`);
  }

  async #removeOthers(): Promise<void> {
    for (const name of await readdir(this.storage)) {
      const file = path.join(this.storage, name);
      if (/^server-[\d.]+$/.test(name) && file !== this.#directory) {
        // Another window may still run from it; then it stays until next time.
        await rm(file, { recursive: true, force: true }).catch(() => undefined);
      }
    }
  }
}
