// YAML files that hold semantic models get a language of their own, by what is written in them.
import * as vscode from 'vscode';

/** Files that the server has something to say about. */
export const DOCUMENTS = [
  { scheme: 'file', language: 'smq' },
  { scheme: 'untitled', language: 'smq' },
  { scheme: 'file', language: 'semantic-model' },
  { scheme: 'untitled', language: 'semantic-model' },
  { scheme: 'file', language: 'yaml' },
];

/** What begins a file of ours; `models` alone is dbt's word for something else. */
const OURS = /^(?:semantic_models|metrics|saved_queries)\s*:/m;
const LOOKED_AT = 20_000;

export function isSemanticModel(text: string): boolean {
  const head = text.slice(0, LOOKED_AT);
  if (OURS.test(head)) return true;
  // Sources are ours when tables stand below them; other tools have lists of that name, too.
  return /^sources\s*:/m.test(head) && /^\s+(?:- )?tables\s*:/m.test(head);
}

export function watchLanguages(context: vscode.ExtensionContext): void {
  const look = (document: vscode.TextDocument): void => {
    if (document.languageId !== 'yaml' || document.uri.scheme !== 'file') return;
    if (!vscode.workspace.getConfiguration('smq').get<boolean>('models.detect', true)) return;
    if (isSemanticModel(document.getText())) void vscode.languages.setTextDocumentLanguage(document, 'semantic-model');
  };
  context.subscriptions.push(vscode.workspace.onDidOpenTextDocument(look));
  vscode.workspace.textDocuments.forEach(look);
}
