// The one server of the window, and everybody who wants to know how it is.
import * as path from 'node:path';
import * as vscode from 'vscode';
import { Client } from './client';
import { type Log, words } from './log';
import type { Requests, StatusResult } from './protocol';
import { type Discovery, discover, type Server } from './server/discovery';
import { InstallFailure, OwnEnvironment } from './server/install';
import { message } from './server/messages';
import { onPath, short } from './server/processes';
import { Pythons } from './server/python';
import { type State, Supervisor, type Trouble } from './server/supervisor';
import { isAtLeast, MINIMUM_PYTHON } from './server/version';

export class Session {
  readonly supervisor: Supervisor;
  readonly own: OwnEnvironment;
  /** What was looked at to find the server, in words. */
  looked: readonly string[] = [];
  status: StatusResult | undefined;

  readonly #pythons: Pythons;
  readonly #stateChanged = new vscode.EventEmitter<State>();
  readonly onDidChangeState = this.#stateChanged.event;
  readonly #statusChanged = new vscode.EventEmitter<StatusResult | undefined>();
  readonly onDidChangeStatus = this.#statusChanged.event;
  readonly #virtualChanged = new vscode.EventEmitter<string>();
  /** The URI of a virtual document whose text is another one now. */
  readonly onDidChangeVirtualDocument = this.#virtualChanged.event;
  #client: Client | undefined;
  #told: string | undefined;

  constructor(
    context: vscode.ExtensionContext,
    private readonly log: Log,
  ) {
    const storage = context.globalStorageUri.fsPath;
    this.#pythons = new Pythons(log, path.join(storage, 'empty'));
    const version = (context.extension.packageJSON as { version: string }).version;
    this.own = new OwnEnvironment(storage, context.asAbsolutePath('bundled'), version);
    this.supervisor = new Supervisor({
      find: () => this.#find(),
      connect: (server, ended) => {
        const client = new Client(server, log, path.join(storage, 'empty'), () => {
          log.warn('The server is gone.');
          ended();
        });
        this.#client = client;
        return client;
      },
      changed: (state) => this.#changed(state),
      now: () => Date.now(),
      later: (milliseconds, then) => {
        const timer = setTimeout(then, milliseconds);
        return { dispose: () => clearTimeout(timer) };
      },
    });
    context.subscriptions.push(
      this.#pythons,
      this.#stateChanged,
      this.#statusChanged,
      this.#virtualChanged,
      this.#pythons.onDidChange(() => void this.supervisor.restart()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.supervisor.restart()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('smq.server.command') || event.affectsConfiguration('python.defaultInterpreterPath')) {
          void this.supervisor.restart();
        }
        if (event.affectsConfiguration('smq.server.extras')) void this.#offerExtras();
      }),
    );
  }

  /** The conversation, while the server runs. */
  get client(): Client | undefined {
    return this.supervisor.state.kind === 'running' ? this.#client : undefined;
  }

  /** Ask the server; undefined when none runs or it does not know the request. */
  async ask<M extends keyof Requests>(method: M, params: Requests[M]['params'], token?: vscode.CancellationToken): Promise<Requests[M]['result'] | undefined> {
    const client = this.client;
    if (!client?.has(method)) return undefined;
    return client.ask(method, params, token);
  }

  /** Resolves once the server runs or has failed to. */
  async settled(): Promise<State> {
    const isSettled = (state: State): boolean => state.kind === 'running' || state.kind === 'failed';
    if (isSettled(this.supervisor.state)) return this.supervisor.state;
    return new Promise((resolve) => {
      const listener = this.onDidChangeState((state) => {
        if (!isSettled(state)) return;
        listener.dispose();
        resolve(state);
      });
    });
  }

  /** The conversation, once a server that is starting runs. */
  async ready(): Promise<Client | undefined> {
    await this.settled();
    return this.client;
  }

  /** Make the extension's own environment, with progress and a way out. */
  async install(): Promise<void> {
    const python = await this.#python();
    if (python === undefined) {
      await this.#tell({ kind: 'noPython', tooOld: undefined });
      return;
    }
    const extras = vscode.workspace.getConfiguration('smq').get<string[]>('server.extras') ?? [];
    this.log.info(`Installing with ${python}${extras.length > 0 ? ` and ${extras.join(', ')}` : ''}.`);
    try {
      await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Notification, title: 'SMQ language server', cancellable: true },
        async (progress, token) => {
          const abort = new AbortController();
          token.onCancellationRequested(() => abort.abort());
          await this.supervisor.without(async () => {
            await this.own.install({
              python,
              extras,
              signal: abort.signal,
              report: (step) => progress.report({ message: `${step} …` }),
              output: (text) => this.log.channel.append(text),
            });
          });
        },
      );
      this.log.info('Installed.');
    } catch (error) {
      this.log.error(words(error));
      if (!(error instanceof InstallFailure)) throw error;
      const answer = await vscode.window.showErrorMessage(error.message, 'Try Again', 'Show Log');
      if (answer === 'Try Again') await this.install();
      if (answer === 'Show Log') this.log.channel.show();
    }
  }

  async dispose(): Promise<void> {
    await this.supervisor.dispose();
  }

  async #find(): Promise<Server | Trouble> {
    const found: Discovery = await discover({
      command: vscode.workspace.getConfiguration('smq').get<string[]>('server.command') ?? [],
      isTrusted: vscode.workspace.isTrusted,
      folders: (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath),
      interpreters: () => this.#pythons.interpreters(),
      programs: () => onPath(['smq']),
      own: () => this.own.python(),
      probe: (python) => this.#pythons.probe(python),
      version: (program) => this.#pythons.version(program),
    });
    this.looked = found.looked;
    for (const line of found.looked) this.log.info(line);
    switch (found.kind) {
      case 'found':
        this.log.info(`Starting ${[found.server.command, ...found.server.args].join(' ')}`);
        return found.server;
      case 'old':
        return { kind: 'old', server: found.server };
      case 'missing':
        return { kind: 'missing', python: found.python.executable };
      case 'noPython':
        return { kind: 'noPython', tooOld: found.tooOld && `Python ${found.tooOld.python} (${short(found.tooOld.executable)})` };
    }
  }

  /** A Python that can make an environment. */
  async #python(): Promise<string | undefined> {
    for (const { file } of await this.#pythons.interpreters()) {
      const probe = await this.#pythons.probe(file);
      if (probe && isAtLeast(probe.python, MINIMUM_PYTHON)) return probe.executable;
    }
    return undefined;
  }

  #changed(state: State): void {
    const key = state.kind === 'failed' ? (['missing', 'old', 'noPython'].includes(state.trouble.kind) ? 'missing' : 'stopped') : state.kind;
    void vscode.commands.executeCommand('setContext', 'smq.server', key);
    this.status = undefined;
    if (state.kind === 'running') {
      const client = this.#client;
      this.#told = undefined;
      this.log.info(`SMQ ${client?.initialized?.serverInfo?.version ?? ''} runs.`);
      client?.on('smq/statusChanged', (status) => this.#take(status));
      client?.on('smq/virtualDocumentChanged', ({ uri }) => this.#virtualChanged.fire(uri));
      this.ask('smq/status', {}).then(
        (status) => status && this.#take(status),
        (error: unknown) => this.log.warn(`The server does not say how it is: ${words(error)}`),
      );
    }
    this.#stateChanged.fire(state);
    this.#statusChanged.fire(undefined);
    if (state.kind === 'failed') void this.#tell(state.trouble);
  }

  #take(status: StatusResult): void {
    this.status = status;
    this.#statusChanged.fire(status);
  }

  /** Show what is in the way, once for each trouble, with its buttons. */
  async #tell(trouble: Trouble): Promise<void> {
    const { text, buttons } = message(trouble, vscode.extensions.getExtension('ms-python.python') !== undefined);
    if (trouble.kind === 'missing') this.log.warn(text);
    else this.log.error(text);
    if (this.#told === text) return;
    this.#told = text;
    const show = trouble.kind === 'missing' ? vscode.window.showWarningMessage : vscode.window.showErrorMessage;
    const answer = await show(text, ...buttons.map((button) => button.title));
    const chosen = buttons.find((button) => button.title === answer);
    if (chosen === undefined) return;
    this.#told = undefined;
    await vscode.commands.executeCommand(chosen.command, ...(chosen.arguments ?? []));
  }

  async #offerExtras(): Promise<void> {
    const has = await this.own.extras();
    const state = this.supervisor.state;
    if (has === undefined || state.kind !== 'running' || state.server.origin !== 'own') return;
    const answer = await vscode.window.showInformationMessage('Install the language server again, with the extras that are set now?', 'Install');
    if (answer === 'Install') await this.install();
  }
}
