// How a query is computed, as a page of text.

/** The part of explain-output.schema.json that is shown. */
export interface Explained {
  queries: {
    name: string | null;
    description: string | null;
    dialect: string;
    grain: string[];
    models: Record<string, string>;
    leaves: {
      aggregate: string;
      base: string;
      metrics: string[];
      joins: { left: string; right: string; on: string[][] }[];
      filters: string[];
    }[];
    stages: { stage: string; filters: string[] }[];
    columns: { name: string; kind: string; type: string | null; lineage: string[] }[];
    order: string[];
    limit: number | null;
  }[];
}

const STAGES: Record<string, string> = {
  rows: 'Filtered before aggregation',
  groups: 'Filtered after aggregation',
  windows: 'Filtered after windows',
};

export function explanation(explained: Explained): string {
  const lines: string[] = [];
  for (const query of explained.queries) {
    lines.push(`# ${query.description ?? query.name ?? 'Query'}`, '');
    lines.push(`One row for each ${query.grain.length > 0 ? query.grain.map(code).join(', ') : 'result: everything in one number'}.`, '');
    const bases = new Map<string, typeof query.leaves>();
    for (const leaf of query.leaves) bases.set(leaf.base, [...(bases.get(leaf.base) ?? []), leaf]);
    for (const [base, leaves] of bases) {
      lines.push(`## Rows of ${base}`, '', `Table ${code(query.models[base] ?? base)}; each row counts once.`, '');
      const joins = leaves[0]?.joins ?? [];
      if (joins.length > 0) {
        lines.push(...joins.map((join) => `- joined with ${join.right} (${code(query.models[join.right] ?? join.right)}) on ${join.on.map(([left, right]) => code(`${join.left}.${left} = ${join.right}.${right}`)).join(' and ')}`), '');
      }
      for (const leaf of leaves) {
        lines.push(`- ${code(leaf.aggregate)} for ${leaf.metrics.map(code).join(', ')}`);
        lines.push(...leaf.filters.map((filter) => `  - only where ${code(filter)}`));
      }
      lines.push('');
    }
    for (const { stage, filters } of query.stages.filter((one) => one.filters.length > 0)) {
      lines.push(`## ${STAGES[stage] ?? stage}`, '', ...filters.map((filter) => `- ${code(filter)}`), '');
    }
    lines.push('## Columns', '', '| column | kind | type | comes from |', '|---|---|---|---|');
    lines.push(...query.columns.map((column) => `| ${[code(column.name), column.kind, column.type ?? '', column.lineage.map(code).join(', ')].map(cell).join(' | ')} |`), '');
    if (query.order.length > 0) lines.push(`Ordered by ${query.order.map(code).join(', ')}.`, '');
    if (query.limit !== null) lines.push(`At most ${query.limit} rows.`, '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const code = (text: string): string => `\`${text.replace(/\s+/g, ' ').replaceAll('`', "'")}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|');
