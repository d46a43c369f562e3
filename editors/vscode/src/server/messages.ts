// What people read when there is no server, and the buttons that cure it.
import type { Trouble } from './supervisor';
import { short } from './processes';
import { MINIMUM_PYTHON, MINIMUM_SERVER } from './version';

export interface Button {
  title: string;
  command: string;
  arguments?: unknown[];
}

export interface Message {
  /** A few words for the status item. */
  title: string;
  text: string;
  buttons: Button[];
}

const INSTALL: Button = { title: 'Install', command: 'smq.installServer' };
const LOG: Button = { title: 'Show Log', command: 'smq.showLog' };
const RESTART: Button = { title: 'Restart', command: 'smq.restart' };
const SETTING: Button = { title: 'Open Setting', command: 'smq.openServerSetting' };

/** `hasPythonExtension`: whether interpreters can be chosen by its command. */
export function message(trouble: Trouble, hasPythonExtension: boolean): Message {
  const choose: Button = hasPythonExtension
    ? { title: 'Choose Python', command: 'python.setInterpreter' }
    : { ...SETTING, title: 'Set Path' };
  switch (trouble.kind) {
    case 'missing':
      return {
        title: 'no language server',
        text: `SMQ is not installed in the Python of this workspace (${short(trouble.python)}). Install the language server into an environment of its own? Nothing else on this machine changes.`,
        buttons: [INSTALL, choose],
      };
    case 'old':
      return {
        title: 'language server too old',
        text: `SMQ ${trouble.server.version} (${short(trouble.server.command)}) is too old for this extension, which needs ${MINIMUM_SERVER}. Update it there, or install the extension's own.`,
        buttons: [{ ...INSTALL, title: 'Install Its Own' }, choose],
      };
    case 'noPython':
      return {
        title: 'no Python',
        text: trouble.tooOld
          ? `SMQ needs Python ${MINIMUM_PYTHON.replace(/\.0$/, '')} or newer; this machine has ${trouble.tooOld}. Install a newer one, then try again.`
          : `SMQ needs Python ${MINIMUM_PYTHON.replace(/\.0$/, '')} or newer, and there is none on the PATH. Install it, then try again, or set the path of a server.`,
        buttons: [{ title: 'Try Again', command: 'smq.restart' }, { title: 'How to Install Python', command: 'smq.openWalkthrough' }, choose],
      };
    case 'start':
      return trouble.server.origin === 'setting'
        ? {
            title: 'language server did not start',
            text: `The command in smq.server.command did not start a language server: ${trouble.reason}`,
            buttons: [SETTING, LOG, RESTART],
          }
        : {
            title: 'language server did not start',
            text: `The language server (${short(trouble.server.command)}) did not start: ${trouble.reason}`,
            buttons: [RESTART, LOG, { ...INSTALL, title: 'Install Again' }],
          };
    case 'crashes':
      return {
        title: 'language server stopped',
        text: `The language server stopped ${trouble.times} times within ${trouble.minutes} minutes and was left alone. The log says why; the debug information helps to report it.`,
        buttons: [RESTART, LOG, { title: 'Copy Debug Information', command: 'smq.copyDebugInformation' }],
      };
  }
}
