// What other extensions and VS Code itself get from the server, through the public interface.
const assert = require('node:assert');
const vscode = require('vscode');

const run = (command, ...args) => vscode.commands.executeCommand(command, ...args);
const root = vscode.workspace.workspaceFolders[0].uri;
const at = (name) => vscode.Uri.joinPath(root, name);
let api;

async function eventually(what, check) {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((again) => setTimeout(again, 30));
  }
}

/** An open editor, and the place of `^` in its text. */
async function open(name, marked) {
  const document = await vscode.workspace.openTextDocument(at(name));
  await vscode.window.showTextDocument(document);
  if (marked === undefined) return { document };
  const index = document.getText().indexOf(marked.replace('^', ''));
  assert.ok(index >= 0, `${marked} is not in ${name}`);
  return { document, position: document.positionAt(index + marked.indexOf('^')) };
}

suite('the extension', () => {
  suiteSetup(async () => {
    api = await vscode.extensions.getExtension('smq.smq').activate();
    const state = await api.session.settled();
    assert.strictEqual(state.kind, 'running', JSON.stringify(state));
  });

  teardown(async () => {
    for (const document of vscode.workspace.textDocuments) {
      if (!document.isDirty || !document.uri.path.startsWith(root.path)) continue;
      await vscode.window.showTextDocument(document);
      await run('workbench.action.files.revert');
    }
  });

  test('first findings after opening a file', async () => {
    const { document } = await open('queries/sales_by_store.smq.json');
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, new vscode.Range(document.positionAt(document.getText().indexOf('"revenue"') + 1), document.positionAt(document.getText().indexOf('"revenue"') + 8)), 'revenu');
    await vscode.workspace.applyEdit(edit);
    const found = await eventually('a finding', () => vscode.languages.getDiagnostics(document.uri).find((one) => one.message.includes("'revenu'")));
    assert.strictEqual(document.getText(found.range), 'revenu');
    // Pushed and pulled findings are not shown twice.
    assert.strictEqual(vscode.languages.getDiagnostics(document.uri).filter((one) => one.message === found.message).length, 1);
  });

  test('hover with SQL', async () => {
    const { document, position } = await open('queries/sales_by_store.smq.json', '"rev^enue"');
    const hovers = await run('vscode.executeHoverProvider', document.uri, position);
    const text = hovers.flatMap((hover) => hover.contents).map((part) => part.value ?? part).join('\n');
    assert.match(text, /SUM\(orders\.subtotal\)/);
  });

  test('completion with what the metrics reach', async () => {
    const { document, position } = await open('queries/sales_by_store.smq.json', '"stores__^store_name"');
    const list = await run('vscode.executeCompletionItemProvider', document.uri, position);
    assert.ok(list.items.some((item) => (item.label.label ?? item.label) === 'stores__country'));
  });

  test('definition across files', async () => {
    const { document, position } = await open('queries/sales_by_store.smq.json', '"rev^enue"');
    const [place] = await run('vscode.executeDefinitionProvider', document.uri, position);
    assert.match((place.targetUri ?? place.uri).path, /metrics\/sales\.yml$/);
  });

  test('rename across files', async () => {
    const { document, position } = await open('queries/sales_by_store.smq.json', '"rev^enue"');
    const edit = await run('vscode.executeDocumentRenameProvider', document.uri, position, 'sales');
    const files = edit.entries().map(([uri]) => uri.path.split('/').slice(-2).join('/'));
    for (const name of ['metrics/sales.yml', 'queries/sales_by_store.smq.json', 'metrics/customers.yml']) assert.ok(files.includes(name), files.join());
  });

  test('model files get their language, and sources theirs', async () => {
    const { document } = await open('metrics/sales.yml');
    const opened = await eventually('the language', () => vscode.workspace.textDocuments.find((one) => one.uri.path === document.uri.path && one.languageId === 'semantic-model'));
    await eventually('symbols', async () => (await run('vscode.executeDocumentSymbolProvider', opened.uri))?.length > 0);
  });

  test('rows from an engine', async () => {
    const { document, position } = await open('queries/sales_by_store.smq.json', '"rev^enue"');
    vscode.window.activeTextEditor.selection = new vscode.Selection(position, position);
    await run('smq.run');
    const shown = await eventually('rows', () => api.results.shown?.type === 'result' && api.results.shown);
    assert.strictEqual(shown.result.rows.length, 5);
    assert.match(shown.title, /What did each store sell/);
    assert.ok(document);
  });

  test('a preview of a metric from its definition', async () => {
    await open('metrics/sales.yml');
    await run('smq.run', { uri: at('metrics/sales.yml').toString(), smq: { metrics: ['revenue'] }, limit: 50 });
    const shown = await eventually('rows', () => api.results.shown?.type === 'result' && api.results.shown.title === 'revenue' && api.results.shown);
    assert.strictEqual(shown.result.rows.length, 1);
  });

  test('the SQL beside it, and from the SQL to the model', async () => {
    const { document, position } = await open('queries/returns_by_reason.smq.json', '"metrics"^');
    vscode.window.activeTextEditor.selection = new vscode.Selection(position, position);
    await run('smq.showSql');
    const text = await eventually('SQL', () => api.previews.textOf(document.uri));
    const preview = vscode.workspace.textDocuments.find((one) => one.uri.scheme === 'smq-preview' && one.getText() === text);
    const links = await run('vscode.executeDefinitionProvider', preview.uri, preview.positionAt(text.indexOf('returns.reason AS') + 2));
    const places = links.map((link) => (link.targetUri ?? link.uri).path.split('/').at(-1));
    assert.ok(places.includes('returns_by_reason.smq.json') && places.some((name) => name.endsWith('.yml')), places.join());
  });

  test('lineage of a metric', async () => {
    await run('smq.showLineage', { kind: 'metric', metric: { name: 'revenue', location: { uri: at('metrics/sales.yml').toString(), range: { start: { line: 9, character: 10 }, end: { line: 9, character: 17 } } } } });
    const shown = await eventually('a lineage', () => api.lineage.shown?.type === 'lineage' && api.lineage.shown);
    assert.ok(shown.result.nodes.some((node) => node.kind === 'table' || node.kind === 'column'));
  });

  test('the tree has every model and metric', async () => {
    const groups = await eventually('the tree', async () => {
      const items = await api.tree.getChildren();
      return items.length === 2 && items;
    });
    assert.ok(groups[0].items.some((item) => item.metric.name === 'revenue'));
    assert.ok(groups[1].items.some((item) => item.model.name === 'orders'));
  });

  test('ten restarts at once leave one server that works', async () => {
    await Promise.all(Array.from({ length: 10 }, () => run('smq.restart')));
    await api.session.settled();
    const { document, position } = await open('queries/sales_by_store.smq.json', '"rev^enue"');
    await eventually('a hover', async () => (await run('vscode.executeHoverProvider', document.uri, position)).length > 0);
  });
});
