import { beforeEach, describe, expect, test } from 'vitest';
import type { Server } from '../src/server/discovery';
import { message } from '../src/server/messages';
import { type Connection, type State, Supervisor, type Trouble } from '../src/server/supervisor';

const SERVER: Server = { command: '/usr/bin/smq', args: ['lsp'], origin: 'path' };

/** A machine on which servers start and die as the test says, and time passes when it says so. */
class Stage {
  states: string[] = [];
  last: State | undefined;
  starts = 0;
  stops = 0;
  running = 0;
  most = 0;
  now = 0;
  found: Server | Trouble = SERVER;
  startError: string | undefined;
  ended: () => void = () => undefined;
  readonly timers: { due: number; then: () => void }[] = [];
  readonly supervisor = new Supervisor({
    find: async () => this.found,
    connect: (_, ended): Connection => {
      this.ended = ended;
      return {
        start: async () => {
          this.starts++;
          this.running++;
          this.most = Math.max(this.most, this.running);
          if (this.startError !== undefined) throw new Error(this.startError);
        },
        stop: async () => {
          this.stops++;
          this.running--;
        },
      };
    },
    changed: (state) => {
      this.states.push(state.kind);
      this.last = state;
    },
    now: () => this.now,
    later: (milliseconds, then) => {
      const timer = { due: this.now + milliseconds, then };
      this.timers.push(timer);
      return { dispose: () => this.timers.splice(this.timers.indexOf(timer) >>> 0, 1) };
    },
  });

  async crash(): Promise<void> {
    this.running--;
    this.ended();
    const timer = this.timers.shift();
    if (timer) {
      this.now = Math.max(this.now, timer.due);
      timer.then();
    }
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

describe('restarting', () => {
  test('asking ten times at once starts it twice at most, and never two at a time', async () => {
    await Promise.all(Array.from({ length: 10 }, () => stage.supervisor.restart()));
    expect(stage.starts).toBeLessThanOrEqual(2);
    expect(stage.most).toBe(1);
    expect(stage.last?.kind).toBe('running');
  });

  test('work that must not meet a running server runs between a stop and a start', async () => {
    await stage.supervisor.restart();
    let during = -1;
    await stage.supervisor.without(async () => {
      during = stage.running;
    });
    expect(during).toBe(0);
    expect(stage.running).toBe(1);
  });

  test('when that work fails, the server is back and the failure is told', async () => {
    await stage.supervisor.restart();
    await expect(stage.supervisor.without(() => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
    expect(stage.last?.kind).toBe('running');
  });
});

describe('crashes', () => {
  test('the first ones are healed, the fifth within three minutes is left alone', async () => {
    await stage.supervisor.restart();
    for (let time = 1; time < 5; time++) {
      await stage.crash();
      expect(stage.last?.kind).toBe('running');
    }
    await stage.crash();
    expect(stage.last).toMatchObject({ kind: 'failed', trouble: { kind: 'crashes', times: 5 } });
    expect(stage.timers).toEqual([]);
  });

  test('crashes that are far apart are never too many', async () => {
    await stage.supervisor.restart();
    for (let time = 0; time < 20; time++) {
      stage.now += 60_000;
      await stage.crash();
    }
    expect(stage.last?.kind).toBe('running');
  });

  test('a person who restarts begins a new count', async () => {
    await stage.supervisor.restart();
    for (let time = 0; time < 5; time++) await stage.crash();
    await stage.supervisor.restart();
    await stage.crash();
    expect(stage.last?.kind).toBe('running');
  });

  test('after it was disposed nothing starts again', async () => {
    await stage.supervisor.restart();
    await stage.supervisor.dispose();
    stage.ended();
    expect(stage.timers).toEqual([]);
    expect(stage.running).toBe(0);
  });
});

test('a server that does not start is told with its reason', async () => {
  stage.startError = 'it ended with status 1: ModuleNotFoundError';
  await stage.supervisor.restart();
  expect(stage.last).toMatchObject({ kind: 'failed', trouble: { kind: 'start', reason: 'it ended with status 1: ModuleNotFoundError' } });
});

describe('every trouble has words and a button that cures it', () => {
  const old: Server = { ...SERVER, version: '0.0.9' };
  const troubles: [Trouble, string, string[]][] = [
    [{ kind: 'missing', python: '/usr/bin/python3' }, 'is not installed', ['smq.installServer']],
    [{ kind: 'old', server: old }, 'SMQ 0.0.9', ['smq.installServer']],
    [{ kind: 'noPython', tooOld: undefined }, 'Python 3.11 or newer', ['smq.restart', 'smq.openWalkthrough']],
    [{ kind: 'noPython', tooOld: 'Python 3.9.2' }, 'this machine has Python 3.9.2', ['smq.restart']],
    [{ kind: 'start', server: SERVER, reason: 'no reason' }, 'did not start: no reason', ['smq.restart', 'smq.showLog']],
    [{ kind: 'start', server: { ...SERVER, origin: 'setting' }, reason: 'no reason' }, 'smq.server.command', ['smq.openServerSetting']],
    [{ kind: 'crashes', server: SERVER, times: 5, minutes: 3 }, 'stopped 5 times within 3 minutes', ['smq.restart', 'smq.copyDebugInformation']],
  ];
  test.each(troubles)('%o', (trouble, words, commands) => {
    const shown = message(trouble, false);
    expect(shown.text).toContain(words);
    expect(shown.text).toMatch(/[.?]$|no reason$/);
    expect(shown.buttons.map((button) => button.command)).toEqual(expect.arrayContaining(commands));
  });

  test('with the Python extension, interpreters are chosen by its own command', () => {
    const shown = message({ kind: 'missing', python: '/usr/bin/python3' }, true);
    expect(shown.buttons.map((button) => button.command)).toContain('python.setInterpreter');
  });
});
