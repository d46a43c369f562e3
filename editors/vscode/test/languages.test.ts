import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isSemanticModel } from '../src/languages';

const examples = new URL('../../../examples/', import.meta.url);

test('every model file of the examples is one', () => {
  const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ya?ml$/.test(name));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) expect(isSemanticModel(readFileSync(new URL(encodeURI(file), examples), 'utf8')), file).toBe(true);
});

test('YAML of other tools is not', () => {
  const others = ['groups:\n  - rules:\n      - expr: up == 0\n', 'on: push\njobs:\n  build:\n    steps: []\n', 'version: 2\nmodels:\n  - name: a\n', 'sources:\n  - repo: deb\n', '# metrics:\nname: x\n'];
  for (const text of others) expect(isSemanticModel(text), text).toBe(false);
});
