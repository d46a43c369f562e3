// The page around a view: nothing but our own script and style may run in it.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** `name` is the script and style in dist/webview; `body` is HTML of ours, never of data. */
export function page(webview: vscode.Webview, extension: vscode.Uri, name: string, title: string, body: string): string {
  const nonce = randomBytes(16).toString('base64');
  const file = (suffix: string): vscode.Uri => webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'webview', `${name}.${suffix}`));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${webview.cspSource} 'nonce-${nonce}'; script-src 'nonce-${nonce}'">
<title>${title}</title>
<link rel="stylesheet" href="${file('css')}">
</head>
<body>
<main>${body}</main>
<script nonce="${nonce}" src="${file('js')}"></script>
</body>
</html>`;
}

export function webviewOptions(extension: vscode.Uri): vscode.WebviewOptions {
  return { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(extension, 'dist', 'webview')] };
}
