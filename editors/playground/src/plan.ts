// How a query is computed, in words: its grain, what is aggregated over which rows, and filters.

import type { ExplainedQuery } from "./protocol";

const STAGES: Record<string, string> = {
  rows: "Rows before aggregation",
  groups: "Groups after aggregation",
  windows: "Results after windows",
};

export function plan(query: ExplainedQuery): HTMLElement {
  const made = document.createElement("dl");
  entry(made, "One row for each", query.grain.length ? query.grain : ["everything together"]);
  for (const leaf of query.leaves) {
    const lines = [`over the rows of ${leaf.base} (${query.models[leaf.base] ?? "a query"})`];
    for (const join of leaf.joins) {
      const on = join.on.map(([left, right]) => `${join.left}.${left} = ${join.right}.${right}`);
      lines.push(`joined to ${join.right} on ${on.join(" and ")}`);
    }
    lines.push(...leaf.filters.map((filter) => `where ${filter}`));
    lines.push(`for ${leaf.metrics.join(", ")}`);
    entry(made, leaf.aggregate, lines);
  }
  for (const { stage, filters } of query.stages) {
    if (filters.length) entry(made, STAGES[stage] ?? stage, filters);
  }
  for (const column of query.columns) {
    entry(made, `${column.name} — ${column.kind}`, column.lineage);
  }
  return made;
}

function entry(list: HTMLElement, term: string, lines: string[]): void {
  const name = document.createElement("dt");
  name.textContent = term;
  list.append(name);
  for (const line of lines) {
    const detail = document.createElement("dd");
    detail.textContent = line;
    list.append(detail);
  }
}
