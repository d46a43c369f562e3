// The conversation with one server: vscode-languageclient with our settings, trust and requests.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as later } from 'node:timers/promises';
import * as vscode from 'vscode';
import {
  type ClientCapabilities,
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  type InitializeResult,
  LanguageClient,
  type LanguageClientOptions,
  type ServerCapabilities,
  type StaticFeature,
  WorkDoneProgress,
} from 'vscode-languageclient/node';
import { DOCUMENTS } from './languages';
import { type Log, serverLines, words } from './log';
import type { Notifications, Requests } from './protocol';
import type { Server } from './server/discovery';
import type { Connection } from './server/supervisor';
import { isAtLeast, MINIMUM_SERVER } from './server/version';

/** How long a server may take to answer `initialize`, on a slow disk that reads Python for the first time. */
const PATIENCE = 60_000;

const OWN_COMMANDS = new Set(['smq.compile', 'smq.run', 'smq.explain', 'smq.showReferences', 'smq.generate', 'smq.diff', 'smq.showPrompt', 'smq.refreshCache']);

/** Keeps the server's commands from being registered: ours have the same names and show answers. */
class Commands implements StaticFeature {
  names: string[] = [];

  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...(capabilities.experimental as object), smq: { version: 1 } };
  }

  preInitialize(capabilities: ServerCapabilities): void {
    this.names = capabilities.executeCommandProvider?.commands ?? [];
    delete capabilities.executeCommandProvider;
  }

  initialize(): void {}

  getState(): { kind: 'static' } {
    return { kind: 'static' };
  }

  clear(): void {}
}

/** Tells the log alone: what people have to know and do is said once, by the session. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export class Client implements Connection {
  readonly #client: LanguageClient;
  readonly #commands = new Commands();
  readonly #subscriptions: vscode.Disposable[] = [];
  #child: ChildProcess | undefined;
  #stderr = '';

  constructor(
    server: Server,
    private readonly log: Log,
    directory: string,
    ended: () => void,
  ) {
    const options: LanguageClientOptions = {
      documentSelector: DOCUMENTS,
      // Pulled findings take the server's own name for theirs.
      diagnosticCollectionName: 'smq-pushed',
      outputChannel: log.channel,
      traceOutputChannel: log.trace,
      stdioOptions: {
        stdout: () => undefined, // the conversation itself
        stderr: (stream, channel) => void createInterface({ input: stream, crlfDelay: Infinity }).on('line', serverLines(channel)),
      },
      initializationOptions: settings(),
      // A server that goes away is the supervisor's business, which tells people only if it must.
      errorHandler: {
        error: (error) => {
          log.error(`The connection to the server has a problem: ${error.message}`);
          return { action: ErrorAction.Continue, handled: true };
        },
        closed: () => {
          ended();
          return { action: CloseAction.DoNotRestart, handled: true, message: 'The server is gone.' };
        },
      },
      initializationFailedHandler: () => false,
      middleware: {
        provideCompletionItem: (document, position, context, token, next) => {
          const line = document.lineAt(position.line).text;
          if (context.triggerCharacter === ',' && document.languageId === 'smq' && endsItem(line, position.character)) return [];
          return next(document, position, context, token);
        },
        workspace: {
          configuration: async (params, token, next) => {
            const answer = await next(params, token);
            if (!Array.isArray(answer)) return answer;
            return answer.map((value: unknown, index) =>
              params.items[index]?.section === 'smq' && value !== null && typeof value === 'object'
                ? { ...value, trusted: vscode.workspace.isTrusted }
                : value,
            );
          },
        },
      },
    };
    this.#client = new QuietClient('smq', 'SMQ', () => this.#spawn(server, directory), options);
    this.#client.registerFeature(this.#commands);
  }

  /** Rejects with a reason in words. */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it gave no answer within ${PATIENCE / 1000} seconds`)), PATIENCE);
    });
    try {
      await Promise.race([this.#client.start(), patience]);
    } catch (error) {
      // Its output ends a moment before it does.
      const child = this.#child;
      if (child && !hasEnded(child)) await Promise.race([once(child, 'exit'), later(500)]);
      throw new Error(this.#ending() ?? words(error));
    } finally {
      clearTimeout(timer);
    }
    const version = this.initialized?.serverInfo?.version;
    if (version !== undefined && !isAtLeast(version, MINIMUM_SERVER)) {
      throw new Error(`it is SMQ ${version}, and ${MINIMUM_SERVER} is needed`);
    }
    const known = new Set(await vscode.commands.getCommands());
    for (const name of this.#commands.names) {
      if (OWN_COMMANDS.has(name) || known.has(name)) continue;
      const forward = (...args: unknown[]): Promise<unknown> => this.execute(name, args);
      this.#subscriptions.push(vscode.commands.registerCommand(name, forward));
    }
  }

  async stop(): Promise<void> {
    for (const one of this.#subscriptions.splice(0)) one.dispose();
    try {
      if (this.#client.isRunning()) await this.#client.stop(3000);
    } catch (error) {
      this.log.warn(`The server did not stop in an orderly way: ${words(error)}`);
    }
    const child = this.#child;
    if (child && child.pid !== undefined && !hasEnded(child)) {
      // It has been asked; what still runs half a second later is not going to end by itself.
      const timer = setTimeout(() => child.kill('SIGKILL'), 500);
      child.once('exit', () => clearTimeout(timer));
    }
  }

  async #spawn(server: Server, directory: string): Promise<ChildProcess> {
    await mkdir(directory, { recursive: true });
    const child = spawn(server.command, server.args, {
      cwd: directory,
      env: { ...process.env, PYTHONUTF8: '1' },
      windowsHide: true,
    });
    this.#child = child;
    child.stderr.on('data', (data: Buffer) => {
      this.#stderr = (this.#stderr + data.toString()).slice(-4000);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error: NodeJS.ErrnoException) => {
        reject(new Error(error.code === 'ENOENT' ? `there is no program ${server.command}` : error.message));
      });
    });
    return child;
  }

  /** How the process ended, if it has. */
  #ending(): string | undefined {
    const child = this.#child;
    if (!child?.pid || !hasEnded(child)) return undefined;
    const last = this.#stderr.trim().split('\n').at(-1);
    const how = child.signalCode ? `was ended by ${child.signalCode}` : `ended with status ${child.exitCode}`;
    return last ? `it ${how}: ${last}` : `it ${how}`;
  }

  /** Commands that the server carries out. */
  get commands(): readonly string[] {
    return this.#commands.names;
  }

  get isRunning(): boolean {
    return this.#client.isRunning();
  }

  get initialized(): InitializeResult | undefined {
    return this.#client.initializeResult;
  }

  /** Whether the server has this request of ours. */
  has(method: string): boolean {
    const smq = (this.initialized?.capabilities.experimental as { smq?: { requests?: string[] } } | undefined)?.smq;
    return smq?.requests?.includes(method) ?? false;
  }

  ask<M extends keyof Requests>(method: M, params: Requests[M]['params'], token?: vscode.CancellationToken): Promise<Requests[M]['result']> {
    // A token that is undefined would count as a second parameter.
    return token ? this.#client.sendRequest<Requests[M]['result']>(method, params, token) : this.#client.sendRequest<Requests[M]['result']>(method, params);
  }

  /** A command of the server. */
  execute(command: string, args: unknown[], token?: vscode.CancellationToken): Promise<unknown> {
    const params = { command, arguments: args as never[] };
    return token ? this.#client.sendRequest(ExecuteCommandRequest.type, params, token) : this.#client.sendRequest(ExecuteCommandRequest.type, params);
  }

  on<M extends keyof Notifications>(method: M, handler: (params: Notifications[M]) => void): void {
    this.#subscriptions.push(this.#client.onNotification(method, handler));
  }

  /** Follow the progress of a request that was given this token. */
  progress(token: string, report: (value: { message?: string; percentage?: number }) => void): vscode.Disposable {
    return this.#client.onProgress(WorkDoneProgress.type, token, (value) => {
      if (value.kind === 'end') return;
      report({
        ...(value.message === undefined ? {} : { message: value.message }),
        ...(value.percentage === undefined ? {} : { percentage: value.percentage }),
      });
    });
  }

  toRange(range: Requests['smq/compile']['result']['queries'][number]['range']): vscode.Range {
    return this.#client.protocol2CodeConverter.asRange(range);
  }

  toUri(uri: string): vscode.Uri {
    return this.#client.protocol2CodeConverter.asUri(uri);
  }

  uriOf(uri: vscode.Uri): string {
    return this.#client.code2ProtocolConverter.asUri(uri);
  }
}

/**
 * Whether a comma was typed behind an item, at the end of its line. A list of names there would
 * take the Enter that is going to be pressed next.
 */
export function endsItem(line: string, character: number): boolean {
  const before = line.slice(0, character).replace(/\\./g, '');
  const isInString = (before.match(/"/g)?.length ?? 0) % 2 === 1;
  return !isInString && line.slice(character).trim() === '';
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** What the server reads of the settings, before it can ask for them. */
export function settings(): Record<string, unknown> {
  const all = vscode.workspace.getConfiguration('smq');
  const keys = ['dialect', 'diagnostics.scope', 'diagnostics.rulesUrl', 'inlayHints.enabled', 'codeLens.enabled', 'completion.hideUnreachable', 'log.level'];
  const values: Record<string, unknown> = { trusted: vscode.workspace.isTrusted };
  for (const key of keys) values[key] = all.get(key) ?? null;
  return values;
}
