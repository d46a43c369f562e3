// The grammars as VS Code applies them: each line with the scopes under it, compared with a snapshot.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import * as oniguruma from 'vscode-oniguruma';
import { INITIAL, parseRawGrammar, Registry } from 'vscode-textmate';

const root = new URL('../', import.meta.url);
const FILES: Record<string, string> = {
  'source.json.smq': 'syntaxes/smq.tmLanguage.json',
  'source.yaml.semantic-model': 'syntaxes/semantic-model.tmLanguage.json',
  'source.smq.sql': 'syntaxes/sql.tmLanguage.json',
};
const wasm = readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
const registry = new Registry({
  onigLib: oniguruma.loadWASM(wasm).then(() => ({
    createOnigScanner: (patterns: string[]) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text: string) => new oniguruma.OnigString(text),
  })),
  loadGrammar: async (scope) => {
    const file = FILES[scope];
    return file ? parseRawGrammar(readFileSync(new URL(file, root), 'utf8'), file) : null;
  },
});

/** [text, scopes without the root] of each token that has a scope of its own. */
async function tokens(scope: string, text: string): Promise<[string, string][][]> {
  const grammar = await registry.loadGrammar(scope);
  if (!grammar) throw new Error(scope);
  let stack = INITIAL;
  return text.split('\n').map((line) => {
    const found = grammar.tokenizeLine(line, stack);
    stack = found.ruleStack;
    return found.tokens
      .map((token): [string, string] => [line.slice(token.startIndex, token.endIndex), token.scopes.slice(1).join(' ')])
      .filter(([word, scopes]) => word.trim() !== '' && scopes !== '');
  });
}

const shown = (lines: [string, string][][]): string =>
  lines.map((line) => line.map(([word, scopes]) => `${word}  ‹${scopes.replaceAll(/\.(json\.smq|yaml\.semantic-model|smq\.sql)\b/g, '')}›`).join('\n')).join('\n--\n');

test.each(['query.smq.json', 'broken.smq.json', 'model.yml'])('%s', async (name) => {
  const text = readFileSync(new URL(`test/grammar/${name}`, root), 'utf8');
  const scope = name.endsWith('.json') ? 'source.json.smq' : 'source.yaml.semantic-model';
  await expect(shown(await tokens(scope, text))).toMatchFileSnapshot(`grammar/${name}.snap`);
});

test('a string that is not closed ends with its line', async () => {
  const lines = await tokens('source.json.smq', '"filters": ["a = \'x, "b"],\n"limit": 10');
  expect(lines[1]).toContainEqual(['10', 'constant.numeric.json.smq']);
  expect(lines[1]?.[0]?.[1]).toBe('support.type.property-name.json.smq');
});
