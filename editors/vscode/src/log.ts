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

type Level = 'debug' | 'info' | 'warn' | 'error';

const LEVELS: Record<string, Level> = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'error' };

/**
 * Puts what the server writes to standard error, line by line, into the channel at the level that it
 * says. What has none, as the lines of a traceback, has that of the line before it.
 */
export function serverLines(channel: Pick<vscode.LogOutputChannel, Level>): (line: string) => void {
  let level: Level = 'error';
  return (line) => {
    const said = /^\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) (.*)$/.exec(line);
    level = LEVELS[said?.[1] ?? ''] ?? level;
    channel[level](said?.[2] ?? line);
  };
}

/** What was thrown, as one line of text. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
