// Starts, restarts and gives up. One thing happens at a time; what is asked for meanwhile happens once.
import type { Server } from './discovery';

export type State =
  | { kind: 'stopped' }
  | { kind: 'starting' }
  | { kind: 'running'; server: Server }
  | { kind: 'failed'; trouble: Trouble };

/** What is in the way, as facts; `messages.ts` has the words. */
export type Trouble =
  | { kind: 'missing'; python: string }
  | { kind: 'old'; server: Server }
  | { kind: 'noPython'; tooOld: string | undefined }
  | { kind: 'start'; server: Server; reason: string }
  | { kind: 'crashes'; server: Server; times: number; minutes: number };

/** One running server, or the attempt at one. */
export interface Connection {
  /** Resolves when the server has answered `initialize`, rejects when it does not. */
  start(): Promise<void>;
  /** Never rejects. */
  stop(): Promise<void>;
}

export interface Hands {
  /** The server to start, or why there is none. */
  find(): Promise<Server | Trouble>;
  /** `ended` is called when a started server goes away by itself. */
  connect(server: Server, ended: () => void): Connection;
  changed(state: State): void;
  now(): number;
  later(milliseconds: number, then: () => void): { dispose(): void };
}

const LIMIT = 5;
const WINDOW_MINUTES = 3;

export class Supervisor {
  state: State = { kind: 'stopped' };
  #queue: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;
  #connection: Connection | undefined;
  #crashes: number[] = [];
  #retry: { dispose(): void } | undefined;
  #disposed = false;

  constructor(private readonly hands: Hands) {}

  /** Start, or start again. Calls while one waits for its turn are one call. */
  restart(): Promise<void> {
    this.#crashes = [];
    return this.#next();
  }

  /** Stop, do something that must not meet a running server, and start again. */
  async without(work: () => Promise<void>): Promise<void> {
    let failure: unknown;
    const done = this.#queue.then(async () => {
      await this.#stop();
      this.#set({ kind: 'stopped' });
      await work().catch((error: unknown) => {
        failure = error;
      });
    });
    this.#queue = done;
    await done;
    await this.restart();
    if (failure !== undefined) throw failure;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#retry?.dispose();
    this.#queue = this.#queue.then(() => this.#stop());
    await this.#queue;
  }

  #next(): Promise<void> {
    this.#retry?.dispose();
    this.#retry = undefined;
    if (this.#waiting) return this.#waiting;
    const turn = this.#queue.then(async () => {
      this.#waiting = undefined;
      await this.#stop();
      if (!this.#disposed) await this.#start();
    });
    this.#waiting = turn;
    this.#queue = turn;
    return turn;
  }

  async #start(): Promise<void> {
    this.#set({ kind: 'starting' });
    const found = await this.hands.find();
    if ('kind' in found) {
      this.#set({ kind: 'failed', trouble: found });
      return;
    }
    let isUp = false;
    let isGone = false;
    const connection = this.hands.connect(found, () => {
      isGone = true;
      if (isUp && this.#connection === connection) this.#crashed(found);
    });
    this.#connection = connection;
    try {
      await connection.start();
    } catch (error) {
      this.#connection = undefined;
      await connection.stop();
      const reason = error instanceof Error ? error.message : String(error);
      this.#set({ kind: 'failed', trouble: { kind: 'start', server: found, reason } });
      return;
    }
    isUp = true;
    this.#set({ kind: 'running', server: found });
    if (isGone) this.#crashed(found);
  }

  async #stop(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.stop();
  }

  #crashed(server: Server): void {
    if (this.#disposed) return;
    this.#connection = undefined;
    const now = this.hands.now();
    this.#crashes = [...this.#crashes.filter((time) => now - time < WINDOW_MINUTES * 60_000), now];
    const times = this.#crashes.length;
    if (times >= LIMIT) {
      this.#set({ kind: 'failed', trouble: { kind: 'crashes', server, times, minutes: WINDOW_MINUTES } });
      return;
    }
    this.#set({ kind: 'starting' });
    // The first time at once; what goes on failing is given time to recover.
    const wait = times === 1 ? 0 : 500 * 2 ** (times - 2);
    this.#retry = this.hands.later(wait, () => void this.#next());
  }

  #set(state: State): void {
    this.state = state;
    if (!this.#disposed) this.hands.changed(state);
  }
}
