/**
 * A trainer process as its owner sees it: a port for typed RPC and an exit. The Node host forks a child here; the
 * Electron host gives a `SpawnTrainer` over utilityProcess. Not here: the calls over the port (`contract/trainer.ts`).
 */
import { fork, type ChildProcess, type Serializable } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { MessagePortMainLike } from '@orpc/client/message-port';

export interface TrainerExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines it wrote to stderr; empty when it wrote nothing. */
  readonly stderrTail: string;
}

export interface TrainerProcess {
  readonly pid: number | undefined;
  /** Emits `message` with `{ data }`, and `close` once when the process is gone. */
  readonly port: MessagePortMainLike;
  kill(): void;
  onExit(listener: (exit: TrainerExit) => void): void;
}

export type SpawnTrainer = () => TrainerProcess;

/** Unix niceness, 0 to 19 (lowest priority). A window has priority over its trainer. */
export const NICENESS = { alone: 5, besideWindow: 19 } as const;

const STDERR_TAIL_CHARACTERS = 4000;
const LAST_MESSAGES_MS = 100;

/**
 * Starts `entry` (trainer.js of the build, or entry.ts from source) as a child of this Node. Beside a window on Linux in a
 * session of its own: the kernel shares processors between sessions first, and the window's browser is in another one,
 * against which niceness alone would not count (trainer/niceness.ts).
 */
export function forkTrainer(entry: string, place: keyof typeof NICENESS = 'alone'): SpawnTrainer {
  return () => {
    const child = fork(entry, [String(NICENESS[place])], {
      detached: place === 'besideWindow' && process.platform === 'linux',
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    const events = new EventEmitter();
    followChild(child, events);
    return {
      pid: child.pid,
      port: {
        on: (event, callback) => void events.on(event, callback),
        postMessage: (data) => {
          // A channel that closes meanwhile is reported by `close`.
          if (child.connected) child.send(data as Serializable, () => undefined);
        },
      },
      kill: () => void child.kill('SIGKILL'),
      onExit: (listener) => void events.once('exit', listener),
    };
  };
}

/** Emits `message`, and after the last one `close` and then `exit` once. */
function followChild(child: ChildProcess, events: EventEmitter): void {
  let stderrTail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  child.on('message', (data) => events.emit('message', { data }));
  // Its last messages arrive between its exit and the end of the channel, and their handlers need a moment to finish.
  let awaited = 2;
  let exit: Pick<TrainerExit, 'code' | 'signal'> = { code: null, signal: null };
  const ended = (): void => {
    if (--awaited !== 0) return;
    setTimeout(() => {
      events.emit('close');
      events.emit('exit', { ...exit, stderrTail: stderrTail.trim() } satisfies TrainerExit);
    }, LAST_MESSAGES_MS);
  };
  child.once('disconnect', ended);
  child.once('close', (code, signal) => {
    exit = { code, signal };
    ended();
  });
  child.on('error', (error) => {
    stderrTail += error.message;
    if (child.pid !== undefined || awaited <= 0) return;
    awaited = 1;
    ended();
  });
}
