// What somebody who helps wants to know; no names of files beyond the server's, no contents.
import * as os from 'node:os';
import * as vscode from 'vscode';
import type { Log } from './log';
import { homeDirectory } from './server/processes';
import type { Session } from './session';

export function debugInformation(context: vscode.ExtensionContext, session: Session, log: Log): string {
  const { state } = session.supervisor;
  const status = session.status;
  const settings = vscode.workspace.getConfiguration('smq');
  const changed = Object.keys(
    (context.extension.packageJSON as { contributes: { configuration: { properties: object }[] } }).contributes.configuration.reduce(
      (all, group) => ({ ...all, ...group.properties }),
      {},
    ),
  )
    .map((key) => key.replace(/^smq\./, ''))
    .filter((key) => {
      const found = settings.inspect(key);
      return found?.globalValue !== undefined || found?.workspaceValue !== undefined || found?.workspaceFolderValue !== undefined;
    });
  const server = state.kind === 'running' ? state.server : state.kind === 'failed' && 'server' in state.trouble ? state.trouble.server : undefined;
  const lines = [
    `extension ${(context.extension.packageJSON as { version: string }).version}`,
    `editor ${vscode.env.appName} ${vscode.version}, ${vscode.env.remoteName ? `remote (${vscode.env.remoteName})` : 'local'}, ${vscode.env.uiKind === vscode.UIKind.Web ? 'web' : 'desktop'}`,
    `system ${os.type()} ${os.release()} ${os.arch()}`,
    `server ${state.kind}${state.kind === 'failed' ? ` (${state.trouble.kind})` : ''}`,
    `server version ${session.client?.initialized?.serverInfo?.version ?? server?.version ?? 'unknown'}`,
    `server command ${server ? [server.command, ...server.args].join(' ') : 'none'} (${server?.origin ?? 'not found'})`,
    `trusted ${vscode.workspace.isTrusted}, folders ${vscode.workspace.workspaceFolders?.length ?? 0}`,
    `metadata ${status?.metasync.state ?? 'unknown'}`,
    ...(status?.workspaces ?? []).map(
      (one, index) => `workspace ${index + 1}: ${one.files} files, ${one.models} models, ${one.metrics} metrics, ${one.queries} queries, ${one.dialect}, ${one.engine}`,
    ),
    `settings changed: ${changed.join(', ') || 'none'}`,
    '',
    'looked for a server:',
    ...session.looked.map((line) => `  ${line}`),
    '',
    'newest lines of the log:',
    ...log.tail().map((line) => `  ${line}`),
  ];
  const home = homeDirectory();
  const text = lines.join('\n');
  return `\`\`\`\n${home.length > 1 ? text.replaceAll(home, '~') : text}\n\`\`\`\n`;
}
