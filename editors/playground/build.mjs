// Bundles the page into the package that serves it.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";

const out = "../../server/smq_server/playground/static";
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const common = { bundle: true, minify: true, target: "es2022", logLevel: "warning", outdir: out };
await build({
  ...common,
  format: "esm",
  entryPoints: { page: "src/page.ts" },
  loader: { ".ttf": "file", ".svg": "dataurl" },
  assetNames: "[name]",
});
await build({
  ...common,
  format: "iife",
  entryPoints: { "editor.worker": "node_modules/monaco-editor/esm/vs/editor/editor.worker.js" },
});
for (const name of ["index.html", "style.css"]) copyFileSync(`src/${name}`, `${out}/${name}`);
