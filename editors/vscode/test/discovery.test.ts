import { describe, expect, test } from 'vitest';
import { discover, type Interpreter, isAllowed, type Probe, type Surroundings } from '../src/server/discovery';
import { isAtLeast } from '../src/server/version';

interface Machine {
  command?: string[];
  trusted?: boolean;
  /** Each interpreter, by its file: what it says, or undefined when it does not start. */
  pythons?: Record<string, [Interpreter['origin'], Omit<Probe, 'executable'> | undefined]>;
  programs?: Record<string, string>;
  own?: string;
}

function machine({ command = [], trusted = true, pythons = {}, programs = {}, own }: Machine): Surroundings {
  return {
    command,
    isTrusted: trusted,
    folders: ['/project'],
    interpreters: async () => Object.entries(pythons).filter(([file]) => file !== own).map(([file, [origin]]) => ({ file, origin })),
    programs: async () => Object.keys(programs),
    own: async () => own,
    probe: async (file) => {
      const said = pythons[file]?.[1];
      return said && { executable: file, ...said };
    },
    version: async (program) => programs[program],
  };
}

const WITH = { python: '3.12.1', server: '0.1.0' };
const WITHOUT = { python: '3.12.1' };

describe('which server is started', () => {
  test('the one in the setting comes before everything', async () => {
    const found = await discover(machine({ command: ['/opt/smq', 'lsp'], pythons: { '/a/python': ['interpreter', WITH] } }));
    expect(found).toMatchObject({ kind: 'found', server: { command: '/opt/smq', args: ['lsp'], origin: 'setting' } });
  });

  test('the chosen interpreter comes before the PATH, the PATH before our own', async () => {
    const all: Machine = {
      pythons: { '/chosen': ['interpreter', WITH], '/own': ['own', WITH] },
      programs: { '/usr/bin/smq': '0.1.0' },
      own: '/own',
    };
    expect(await discover(machine(all))).toMatchObject({ server: { command: '/chosen', origin: 'interpreter' } });
    expect(await discover(machine({ ...all, pythons: { ...all.pythons, '/chosen': ['interpreter', WITHOUT] } }))).toMatchObject({ server: { command: '/usr/bin/smq', args: ['lsp'] } });
    expect(await discover(machine({ ...all, programs: {} , pythons: { '/own': ['own', WITH] } }))).toMatchObject({ server: { command: '/own', origin: 'own' } });
  });

  test('files of the current directory are not among the imports of the server', async () => {
    const found = await discover(machine({ pythons: { '/a/python': ['workspace', WITH] } }));
    expect(found).toMatchObject({ server: { args: ['-P', '-m', 'smq_server.main', 'lsp'] } });
  });

  test('an old server is passed over for a new one, and named when it is the only one', async () => {
    const old = { python: '3.12.1', server: '0.0.9' };
    const pythons: Machine['pythons'] = { '/a': ['interpreter', old], '/b': ['workspace', WITH] };
    expect(await discover(machine({ pythons }))).toMatchObject({ kind: 'found', server: { command: '/b' } });
    expect(await discover(machine({ pythons: { '/a': ['interpreter', old] } }))).toMatchObject({ kind: 'old', server: { command: '/a', version: '0.0.9' } });
  });

  test('a Python without the server can install it; an old Python cannot; none at all is said so', async () => {
    expect(await discover(machine({ pythons: { '/a': ['path', WITHOUT] } }))).toMatchObject({ kind: 'missing', python: { executable: '/a' } });
    expect(await discover(machine({ pythons: { '/a': ['path', { python: '3.9.2' }] } }))).toMatchObject({ kind: 'noPython', tooOld: { python: '3.9.2' } });
    expect(await discover(machine({}))).toMatchObject({ kind: 'noPython', tooOld: undefined });
  });

  test('what does not start is passed over, and the log says so', async () => {
    const found = await discover(machine({ pythons: { '/broken': ['interpreter', undefined], '/b': ['path', WITH] } }));
    expect(found).toMatchObject({ kind: 'found', server: { command: '/b' } });
    expect(found.looked).toEqual(['/broken: does not start']);
  });
});

describe('an untrusted workspace', () => {
  test('brings neither its own Python nor a command of its settings', async () => {
    const found = await discover(machine({ trusted: false, command: ['/project/evil'], pythons: { '/project/.venv/bin/python': ['workspace', WITH], '/usr/bin/python3': ['path', WITH] } }));
    expect(found).toMatchObject({ kind: 'found', server: { command: '/usr/bin/python3' } });
  });

  test('programs of the workspace on the PATH are not run', async () => {
    const found = await discover(machine({ trusted: false, programs: { '/project/bin/smq': '0.1.0' } }));
    expect(found.kind).toBe('noPython');
  });

  test('a folder whose name only begins alike is another folder', () => {
    expect(isAllowed('/projects/python', { isTrusted: false, folders: ['/project'] })).toBe(true);
    expect(isAllowed('/project/..data/python', { isTrusted: false, folders: ['/project/other'] })).toBe(true);
  });
});

test('versions compare by number, and what follows the numbers does not count', () => {
  expect(isAtLeast('0.10.0', '0.9.3')).toBe(true);
  expect(isAtLeast('0.1.0.dev3', '0.1.0')).toBe(true);
  expect(isAtLeast('0.0.9', '0.1.0')).toBe(false);
  expect(isAtLeast('', '0.1.0')).toBe(false);
});
