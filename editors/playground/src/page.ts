// The playground: files, an editor on the language server, and what the query at the cursor means.

import * as monaco from "monaco-editor";
import { Connection } from "./connection";
import { SMQ, register } from "./languages";
import type {
  CompiledQuery,
  CompileResult,
  ExplainedQuery,
  Range,
  RunResult,
  Workspace,
  WorkspaceFile,
} from "./protocol";
import { plan } from "./plan";
import { summary, table } from "./rows";

const DIALECTS = [
  "duckdb",
  "bigquery",
  "postgres",
  "snowflake",
  "databricks",
  "redshift",
  "trino",
  "mysql",
  "sqlite",
  "sqlserver",
  "oracle",
  "clickhouse",
];

const address = new URLSearchParams(location.search);
const token = address.get("token") ?? "";

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

const state = element("state");
const dialects = element<HTMLSelectElement>("dialect");
const tabs = { sql: element("tab-sql"), rows: element("tab-rows"), plan: element("tab-plan") };
const panels = {
  sql: element("panel-sql"),
  rows: element("panel-rows"),
  plan: element("panel-plan"),
};
type Tab = keyof typeof tabs;
const order: Tab[] = ["sql", "rows", "plan"];

let connection: Connection;
let compiled: CompiledQuery | undefined;
let queries: CompiledQuery[] = [];
let generation = 0;

self.MonacoEnvironment = { getWorker: () => new Worker("editor.worker.js") };
register();
theme();
for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
  matchMedia(query).addEventListener("change", theme);
}

const common: monaco.editor.IStandaloneEditorConstructionOptions = {
  automaticLayout: true,
  minimap: { enabled: false },
  wordBasedSuggestions: "off",
  fixedOverflowWidgets: true,
  scrollBeyondLastLine: false,
  tabSize: 2,
};
const editor = monaco.editor.create(element("editor"), {
  ...common,
  "semanticHighlighting.enabled": true,
  quickSuggestions: { strings: true, other: true, comments: false },
  ariaLabel: "Query or model file",
  model: null,
});
const sql = monaco.editor.create(element("sql"), {
  ...common,
  readOnly: true,
  lineNumbers: "off",
  folding: false,
  wordWrap: "on",
  language: "sql",
  ariaLabel: "SQL of the query at the cursor",
});
const marksInSource = editor.createDecorationsCollection();
const marksInSql = sql.createDecorationsCollection();

function theme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const contrast = matchMedia("(forced-colors: active)").matches;
  monaco.editor.setTheme(contrast ? (dark ? "hc-black" : "hc-light") : dark ? "vs-dark" : "vs");
}

function say(text: string, broken = false): void {
  state.textContent = text;
  state.classList.toggle("broken", broken);
}

async function start(): Promise<void> {
  const answer = await fetch(`workspaces.json?token=${encodeURIComponent(token)}`);
  if (!answer.ok) {
    say((await answer.text()).trim(), true);
    return;
  }
  const workspaces = (await answer.json()) as Workspace[];
  const chooser = element<HTMLSelectElement>("workspace");
  chooser.append(...workspaces.map(({ name }) => new Option(name, name)));
  const chosen = workspaces.find(({ name }) => name === address.get("workspace")) ?? workspaces[0];
  if (chosen === undefined) return;
  chooser.value = chosen.name;
  chooser.addEventListener("change", () => {
    address.set("workspace", chooser.value);
    location.search = address.toString();
  });
  dialects.append(new Option("as configured", ""), ...DIALECTS.map((name) => new Option(name, name)));
  dialects.addEventListener("change", () => void compile());

  const socket = new URL("lsp", location.href);
  socket.protocol = "ws:";
  socket.search = new URLSearchParams({ token, workspace: chosen.name }).toString();
  connection = await Connection.open(socket.href, chosen);
  const transport = monaco.lsp.WebSocketTransport.fromWebSocket(connection);
  const heard = connection.onclose;
  connection.onclose = (event) => {
    heard?.(event);
    say(`${event.reason || "The server has gone"}. Reload the page to start again.`, true);
  };
  const client = new monaco.lsp.MonacoLspClient(transport);
  // Private, and the only thing that tells when requests may be sent.
  await (client as unknown as { _initPromise: Promise<void> })._initPromise;
  // An edit that reaches a file without a model would fail whole, so all of them are open.
  for (const file of chosen.files) {
    monaco.editor.createModel(file.text, languageOf(file), monaco.Uri.parse(file.uri));
  }
  list(chosen.files);
  const first = chosen.files.find(({ path }) => path === address.get("file"));
  open(first ?? chosen.files.find(({ path }) => path.endsWith(".smq.json")) ?? chosen.files[0]);
  connection.onchange = () => void compile();
  say("ready");
}

function languageOf(file: WorkspaceFile): string {
  return file.path.endsWith(".smq.json") ? SMQ : "yaml";
}

function list(files: WorkspaceFile[]): void {
  const nav = element("files");
  const folders = new Map<string, WorkspaceFile[]>();
  for (const file of files) {
    const folder = file.path.includes("/") ? file.path.slice(0, file.path.lastIndexOf("/")) : "";
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  for (const [folder, inside] of folders) {
    const heading = document.createElement("h2");
    heading.textContent = folder || "workspace";
    nav.append(heading);
    for (const file of inside) {
      const button = document.createElement("button");
      button.textContent = file.path.slice(folder ? folder.length + 1 : 0);
      button.dataset["uri"] = monaco.Uri.parse(file.uri).toString();
      button.addEventListener("click", () => open(file));
      nav.append(button);
    }
  }
}

function open(file: WorkspaceFile | undefined): void {
  if (file === undefined) return;
  show(monaco.Uri.parse(file.uri));
}

function show(uri: monaco.Uri, at?: monaco.IRange): void {
  const model = monaco.editor.getModel(uri);
  if (model === null) return;
  if (editor.getModel() !== model) editor.setModel(model);
  if (at !== undefined) {
    editor.setSelection(at);
    editor.revealRangeInCenterIfOutsideViewport(at);
  }
  editor.focus();
}

function chosenFile(): void {
  const uri = editor.getModel()?.uri;
  element("file-name").textContent = uri ? decodeURIComponent(uri.path.split("/").pop() ?? "") : "";
  for (const button of element("files").querySelectorAll("button")) {
    const current = button.dataset["uri"] === uri?.toString();
    button.setAttribute("aria-current", String(current));
    if (current) button.scrollIntoView({ block: "nearest" });
  }
  problems();
  void compile();
}

function problems(): void {
  const counts = new Map<string, { errors: number; warnings: number }>();
  const uri = editor.getModel()?.uri.toString();
  const items: HTMLLIElement[] = [];
  for (const marker of monaco.editor.getModelMarkers({})) {
    const key = marker.resource.toString();
    const count = counts.get(key) ?? { errors: 0, warnings: 0 };
    if (marker.severity === monaco.MarkerSeverity.Error) count.errors++;
    else if (marker.severity === monaco.MarkerSeverity.Warning) count.warnings++;
    counts.set(key, count);
    if (key !== uri) continue;
    const item = document.createElement("li");
    const button = document.createElement("button");
    const code = typeof marker.code === "object" ? marker.code.value : marker.code;
    button.textContent = `${marker.startLineNumber}:${marker.startColumn} ${code ?? ""} ${marker.message}`;
    button.className = marker.severity === monaco.MarkerSeverity.Error ? "error" : "warning";
    button.addEventListener("click", () => show(marker.resource, marker));
    item.append(button);
    items.push(item);
  }
  element("problem-list").replaceChildren(...items);
  element("problem-count").textContent = items.length ? `(${items.length})` : "— none in this file";
  for (const button of element("files").querySelectorAll("button")) {
    button.querySelector(".marks")?.remove();
    const count = counts.get(button.dataset["uri"] ?? "");
    const number = count && (count.errors || count.warnings);
    if (!number || !count) continue;
    const mark = document.createElement("span");
    mark.className = `marks ${count.errors ? "error" : "warning"}`;
    mark.textContent = String(number);
    mark.title = count.errors ? `${count.errors} errors` : `${count.warnings} warnings`;
    button.append(mark);
  }
}

async function compile(): Promise<void> {
  const model = editor.getModel();
  const mine = ++generation;
  if (model === null || model.getLanguageId() !== SMQ) {
    present(undefined, model === null ? "" : "The SQL of a query stands here: open a query file.");
    return;
  }
  const result = await connection
    .ask<CompileResult>("smq/compile", {
      uri: model.uri.toString(),
      ...(dialects.value ? { dialect: dialects.value } : {}),
    })
    .catch((error: Error) => error);
  // Only the newest question's answer belongs on the screen.
  if (mine !== generation) return;
  queries = result instanceof Error ? [] : result.queries;
  if (result instanceof Error) {
    present(undefined, result.message);
    return;
  }
  const line = (editor.getPosition()?.lineNumber ?? 1) - 1;
  const query =
    result.queries.find(({ range }) => range.start.line <= line && line <= range.end.line) ??
    result.queries[0];
  const refused = query?.problems.find(({ severity }) => severity === "error");
  present(query, query === undefined ? "There is no query in this file." : (refused?.message ?? ""));
  element("tab-sql").title = result.dialect;
}

function present(query: CompiledQuery | undefined, note: string): void {
  compiled = query;
  element("sql-note").textContent = note;
  const text = query?.sql ?? "";
  if (sql.getValue() !== text) sql.setValue(text);
  mapFromSource();
  if (!panels.plan.hidden) void explain();
}

function range({ start, end }: Range): monaco.Range {
  return new monaco.Range(start.line + 1, start.character + 1, end.line + 1, end.character + 1);
}

function mapFromSource(): void {
  const position = editor.getPosition();
  const uri = editor.getModel()?.uri.toString();
  const parts: monaco.Range[] = [];
  if (position && compiled) {
    for (const entry of compiled.mapping) {
      const here = entry.targets.some(
        (target) =>
          monaco.Uri.parse(target.uri).toString() === uri &&
          range(target.range).containsPosition(position),
      );
      if (here) parts.push(range(entry.sqlRange));
    }
  }
  marksInSql.set(parts.map((part) => ({ range: part, options: { className: "mapped" } })));
}

function mapFromSql(): void {
  const position = sql.getPosition();
  const uri = editor.getModel()?.uri.toString();
  const places = (compiled?.mapping ?? [])
    .filter((entry) => position && range(entry.sqlRange).containsPosition(position))
    .flatMap((entry) => entry.targets)
    .filter((target) => monaco.Uri.parse(target.uri).toString() === uri)
    .map((target) => range(target.range));
  marksInSource.set(places.map((place) => ({ range: place, options: { className: "mapped" } })));
  if (places[0]) editor.revealRangeInCenterIfOutsideViewport(places[0]);
}

async function run(): Promise<void> {
  choose("rows");
  const note = element("rows-note");
  const rows = element("rows");
  const model = editor.getModel();
  if (model?.getLanguageId() !== SMQ || compiled === undefined) {
    rows.replaceChildren();
    note.textContent = "There is no query at the cursor to run: open a query file.";
    return;
  }
  note.textContent = "running …";
  try {
    const result = await connection.ask<RunResult>("smq/run", {
      uri: model.uri.toString(),
      query: compiled.index,
      limit: 500,
    });
    note.textContent = summary(result);
    rows.replaceChildren(table(result));
  } catch (error) {
    rows.replaceChildren();
    note.textContent = (error as Error).message;
  }
}

async function explain(): Promise<void> {
  const model = editor.getModel();
  const note = element("plan-note");
  const shown = element("plan");
  shown.replaceChildren();
  if (model?.getLanguageId() !== SMQ || compiled === undefined) {
    note.textContent = "There is no query at the cursor to explain: open a query file.";
    return;
  }
  try {
    const { queries } = await connection.ask<{ queries: ExplainedQuery[] }>("smq/explain", {
      uri: model.uri.toString(),
      query: compiled.index,
    });
    note.textContent = "";
    shown.replaceChildren(...queries.map(plan));
  } catch (error) {
    note.textContent = (error as Error).message;
  }
}

function choose(name: Tab): void {
  for (const key of order) {
    tabs[key].setAttribute("aria-selected", String(key === name));
    tabs[key].tabIndex = key === name ? 0 : -1;
    panels[key].hidden = key !== name;
  }
  if (name === "plan") void explain();
}

/** What a lens above a query does: it stands in the file that is shown, above its query. */
function onLens(command: string, act: () => void): void {
  monaco.editor.registerCommand(command, (_accessor, uri?: unknown, query?: unknown) => {
    const found = queries.find(({ index }) => index === query);
    if (typeof uri === "string" && found !== undefined) {
      show(monaco.Uri.parse(uri));
      editor.setPosition(range(found.range).getStartPosition());
      present(found, "");
    }
    act();
  });
}

for (const name of order) {
  tabs[name].addEventListener("click", () => choose(name));
  tabs[name].addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const other = order[(order.indexOf(name) + step + order.length) % order.length] ?? name;
    choose(other);
    tabs[other].focus();
  });
}
onLens("smq.compile", () => choose("sql"));
onLens("smq.run", () => void run());
onLens("smq.explain", () => choose("plan"));
element("run").addEventListener("click", () => void run());
editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter, () => void run());
editor.onDidChangeModel(chosenFile);
editor.onDidChangeCursorPosition(({ reason }) => {
  if (reason === monaco.editor.CursorChangeReason.ContentFlush) return;
  mapFromSource();
});
sql.onDidChangeCursorPosition(() => {
  if (sql.hasTextFocus()) mapFromSql();
});
monaco.editor.onDidChangeMarkers(problems);
monaco.editor.registerEditorOpener({
  openCodeEditor(_source, resource, selection) {
    const at = selection && "startLineNumber" in selection ? selection : undefined;
    show(resource, at ?? (selection ? monaco.Range.fromPositions(selection as monaco.IPosition) : undefined));
    return monaco.editor.getModel(resource) !== null;
  },
});

// For the tests that drive the page.
Object.assign(window, { playground: { monaco, editor, sql, show } });

start().catch((error: Error) => say(error.message, true));
