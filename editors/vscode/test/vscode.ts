// As much of the `vscode` module as the unit tests touch, as a fake that remembers.
import { vi } from 'vitest';

type Listener<T> = (value: T) => unknown;

export class EventEmitter<T> {
  readonly listeners = new Set<Listener<T>>();
  event = (listener: Listener<T>): { dispose(): void } => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}

export class Range {
  constructor(
    readonly start: Position,
    readonly end: Position,
  ) {}
}

export class ThemeColor {
  constructor(readonly id: string) {}
}

export class ThemeIcon {
  constructor(readonly id: string) {}
}

export class MarkdownString {
  constructor(readonly value = '') {}
}

export class TreeItem {
  [key: string]: unknown;
  constructor(
    readonly label: string,
    public collapsibleState?: number,
  ) {}
}

export class CancellationTokenSource {
  readonly #cancelled = new EventEmitter<void>();
  token = { isCancellationRequested: false, onCancellationRequested: this.#cancelled.event };
  cancel(): void {
    this.token.isCancellationRequested = true;
    this.#cancelled.fire();
  }
  dispose(): void {}
}

export const Uri = {
  file: (path: string) => ({ scheme: 'file', path, fsPath: path, toString: () => `file://${path}` }),
  parse: (text: string) => ({ scheme: text.split(':')[0], path: text.replace(/^\w+:\/\//, ''), fsPath: text.replace(/^\w+:\/\//, ''), toString: () => text }),
  joinPath: (base: { path: string }, ...parts: string[]) => Uri.file([base.path, ...parts].join('/')),
};

/** The settings of the test, by their full names. */
export const settings = new Map<string, unknown>();

export const workspace = {
  isTrusted: true,
  workspaceFolders: undefined as { uri: { scheme: string; fsPath: string } }[] | undefined,
  textDocuments: [] as unknown[],
  getConfiguration: (section: string) => ({
    get: (key: string, fallback?: unknown) => settings.get(`${section}.${key}`) ?? fallback,
    inspect: () => undefined,
  }),
  onDidGrantWorkspaceTrust: new EventEmitter<void>().event,
  onDidChangeConfiguration: new EventEmitter<unknown>().event,
  onDidOpenTextDocument: new EventEmitter<unknown>().event,
  onDidSaveTextDocument: new EventEmitter<unknown>().event,
  asRelativePath: (uri: { path: string }) => uri.path,
  fs: { writeFile: vi.fn(async () => undefined) },
};

export const window = {
  createOutputChannel: () => ({ info() {}, warn() {}, error() {}, append() {}, show() {}, dispose() {} }),
  showInformationMessage: vi.fn(async () => undefined),
  showWarningMessage: vi.fn(async () => undefined),
  showErrorMessage: vi.fn(async () => undefined),
  createTreeView: () => ({ dispose() {} }),
  setStatusBarMessage: vi.fn(),
};

export class TextEdit {
  constructor(
    readonly range: Range,
    readonly newText: string,
  ) {}
}

export const languages = { setTextDocumentLanguage: vi.fn(async () => undefined), match: () => 10 };
export const commands = { executeCommand: vi.fn(async () => undefined), registerCommand: vi.fn(() => ({ dispose() {} })) };
export const extensions = { getExtension: vi.fn(() => undefined) };
export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 };
export const LanguageStatusSeverity = { Information: 0, Warning: 1, Error: 2 };
export const StatusBarAlignment = { Left: 1, Right: 2 };
