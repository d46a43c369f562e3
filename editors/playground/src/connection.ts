// One socket for two speakers: the editor's own client, and the page with its few requests.

import type { Workspace } from "./protocol";

interface Message {
  jsonrpc: "2.0";
  id?: number | string | null;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { code: number; message: string };
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (reason: Error) => void;
}

const OURS = "page:";

/** A WebSocket as the editor's transport wants it, which also answers the page's own requests. */
export class Connection {
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  /** Called when the editor's client has told the server of a change: now it may be asked. */
  onchange: (() => void) | null = null;
  private readonly waiting = new Map<string, Waiting>();
  private last = 0;

  private constructor(
    private readonly socket: WebSocket,
    private readonly workspace: Workspace,
  ) {
    socket.onmessage = (event) => this.receive(String(event.data));
    socket.onclose = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error("the connection is closed"));
      this.waiting.clear();
      this.onclose?.(event);
    };
  }

  static open(url: string, workspace: Workspace): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve(new Connection(socket, workspace));
      socket.onerror = () => reject(new Error("the server does not answer"));
    });
  }

  get url(): string {
    return this.socket.url;
  }

  close(): void {
    this.socket.close();
  }

  /** For the editor's client: sends its message, with the workspace that it does not know of. */
  send(text: string, done?: (error?: Error) => void): void {
    const message = JSON.parse(text) as Message;
    if (message.method === "initialize") {
      const { root, name } = this.workspace;
      message.params = {
        ...message.params,
        rootUri: root,
        workspaceFolders: [{ uri: root, name }],
      };
    }
    this.socket.send(JSON.stringify(message));
    done?.();
    if (message.method?.startsWith("textDocument/did")) this.onchange?.();
  }

  /** Ask the server; rejects with its words when it refuses. */
  ask<T>(method: string, params: object): Promise<T> {
    const id = `${OURS}${++this.last}`;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  private receive(text: string): void {
    const message = JSON.parse(text) as Message;
    const waiting = typeof message.id === "string" ? this.waiting.get(message.id) : undefined;
    if (waiting === undefined || message.method !== undefined) {
      this.onmessage?.({ data: text });
      return;
    }
    this.waiting.delete(message.id as string);
    if (message.error) waiting.reject(new Error(message.error.message));
    else waiting.resolve(message.result);
  }
}
