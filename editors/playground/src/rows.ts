// The rows of a result as a table.

import type { RunResult } from "./protocol";

export function table(result: RunResult): HTMLTableElement {
  const made = document.createElement("table");
  const head = made.createTHead().insertRow();
  for (const column of result.columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = column.name;
    cell.title = [column.label, column.type].filter(Boolean).join(" — ");
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of result.rows) {
    const line = body.insertRow();
    row.forEach((value, index) => {
      const cell = line.insertCell();
      if (value === null) {
        cell.className = "null";
        cell.textContent = "NULL";
        return;
      }
      cell.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
      if (isNumber(result.columns[index]?.type ?? "", value)) cell.className = "number";
    });
  }
  return made;
}

export function summary(result: RunResult): string {
  const count = `${result.rows.length} row${result.rows.length === 1 ? "" : "s"}`;
  const more = result.truncated ? ", and there are more" : "";
  return `${count}${more}, in ${result.elapsed.toFixed(2)} s on ${result.engine}`;
}

function isNumber(type: string, value: unknown): boolean {
  return typeof value === "number" || /INT|DECIMAL|NUMERIC|DOUBLE|FLOAT|REAL/i.test(type);
}
