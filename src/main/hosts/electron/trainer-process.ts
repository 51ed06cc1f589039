/** The trainer as an Electron utilityProcess, in the shape `SpawnTrainer` asks for. */
import { EventEmitter } from 'node:events';
import { utilityProcess } from 'electron';
import { NICENESS, type SpawnTrainer, type TrainerExit } from '../../processes/trainer-process.ts';

const STDERR_TAIL_CHARACTERS = 4000;

export function utilityTrainer(entry: string): SpawnTrainer {
  return () => {
    const child = utilityProcess.fork(entry, [String(NICENESS.besideWindow)], {
      serviceName: 'Nextvec trainer',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const events = new EventEmitter();
    let stderrTail = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderrTail = (stderrTail + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    let alive = true;
    child.on('message', (data: unknown) => events.emit('message', { data }));
    child.once('exit', (code: number) => {
      alive = false;
      events.emit('close');
      events.emit('exit', { code, signal: null, stderrTail: stderrTail.trim() } satisfies TrainerExit);
    });
    return {
      get pid() {
        return child.pid;
      },
      port: {
        on: (event, callback) => void events.on(event, callback),
        postMessage: (data) => {
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a process, not a window
          if (alive) child.postMessage(data);
        },
      },
      kill: () => void child.kill(),
      onExit: (listener) => void events.once('exit', listener),
    };
  };
}
