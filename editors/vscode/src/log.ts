// The extension's words for people who look for a cause. The last lines are kept for reports.
import * as vscode from 'vscode';

const KEPT = 100;

export class Log {
  readonly channel: vscode.LogOutputChannel;
  readonly trace: vscode.LogOutputChannel;
  readonly #kept: string[] = [];

  constructor() {
    this.channel = vscode.window.createOutputChannel('SMQ', { log: true });
    this.trace = vscode.window.createOutputChannel('SMQ Trace', { log: true });
  }

  info(line: string): void {
    this.#keep('info', line);
    this.channel.info(line);
  }

  warn(line: string): void {
    this.#keep('warning', line);
    this.channel.warn(line);
  }

  error(line: string): void {
    this.#keep('error', line);
    this.channel.error(line);
  }

  /** The newest lines, oldest of them first. */
  tail(): readonly string[] {
    return this.#kept;
  }

  dispose(): void {
    this.channel.dispose();
    this.trace.dispose();
  }

  #keep(level: string, line: string): void {
    this.#kept.push(`${new Date().toISOString()} ${level}: ${line}`);
    if (this.#kept.length > KEPT) this.#kept.shift();
  }
}

/** What was thrown, as one line of text. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
