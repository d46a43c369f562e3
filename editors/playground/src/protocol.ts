// What the page asks of the language server beside the protocol's own requests: those parts of
// protocol.schema.json that it reads.

export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

export interface MappingEntry {
  sqlRange: Range;
  targets: { uri: string; range: Range; kind: string; label: string }[];
}

export interface CompiledQuery {
  index: number;
  range: Range;
  sql?: string;
  problems: { code: string; severity: string; message: string }[];
  mapping: MappingEntry[];
}

export interface CompileResult {
  dialect: string;
  queries: CompiledQuery[];
}

export interface RunResult {
  engine: string;
  columns: { name: string; type: string; label?: string }[];
  rows: unknown[][];
  elapsed: number;
  truncated: boolean;
}

export interface WorkspaceFile {
  path: string;
  uri: string;
  text: string;
}

export interface Workspace {
  name: string;
  root: string;
  files: WorkspaceFile[];
}

export interface ExplainedQuery {
  grain: string[];
  models: Record<string, string | null>;
  leaves: {
    aggregate: string;
    base: string;
    metrics: string[];
    joins: { left: string; right: string; on: [string, string][] }[];
    filters: string[];
  }[];
  stages: { stage: string; filters: string[] }[];
  columns: { name: string; kind: string; lineage: string[] }[];
}
