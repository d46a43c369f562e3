// The settings that the server reads stand in schemas/: this copies their types, defaults and words
// into package.json, which VS Code shows to people. With --check it only says whether they agree.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

const here = new URL('../', import.meta.url);
const repository = new URL('../../../', import.meta.url);
const read = (url) => readFileSync(url, 'utf8');

const schema = JSON.parse(read(new URL('schemas/smq_schemas/client-settings.schema.json', repository)));
const engines = new URL('semantic/smq/dialects/', repository);
const dialects = readdirSync(engines)
  .filter((name) => name.endsWith('.py') && /^DIALECT = /m.test(read(new URL(name, engines))))
  .map((name) => basename(name, '.py'))
  .sort();
const manifest = JSON.parse(read(new URL('package.json', here)));

for (const [key, wanted] of Object.entries(schema.properties)) {
  if (key === 'trusted') continue; // VS Code knows that itself
  const name = `smq.${key}`;
  const group = manifest.contributes.configuration.find((one) => name in one.properties) ?? manifest.contributes.configuration[0];
  const { order, scope, description: _d, markdownDescription: _m, ...shown } = group.properties[name] ?? {};
  const { description, ...shape } = wanted;
  if (key === 'dialect') shape.enum = [null, ...dialects];
  group.properties[name] = { ...(order ? { order } : {}), scope: scope ?? 'window', ...shown, ...shape, markdownDescription: description };
}

const pyproject = read(new URL('pyproject.toml', repository));
manifest.version = /^version = "(.*)"$/m.exec(pyproject)[1];

const written = `${JSON.stringify(manifest, null, 2)}\n`;
const before = read(new URL('package.json', here));
if (process.argv.includes('--check')) {
  // Layout is free: package.json is also edited by hand and by npm.
  if (JSON.stringify(JSON.parse(before)) !== JSON.stringify(manifest)) {
    console.error('package.json does not say what schemas/ and pyproject.toml say: run npm run settings');
    process.exit(1);
  }
} else if (before !== written) {
  writeFileSync(new URL('package.json', here), written);
}
