/**
 * What ends a long command early: Ctrl-C, SIGTERM, a terminal that closes (SIGHUP), a reader of stdout that has gone
 * ("| head"). All four mean the same: save what trains, say on stderr how to go on, leave with status 130.
 */
import { EXIT } from './exit.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Writing to a pipe without a reader, or to a terminal that is gone. */
const READER_GONE = new Set(['EPIPE', 'EIO']);

/** Interrupts this process's command; null: it cannot save. It stays after `dispose`: the command still closes its services. */
let interruptCommand: (() => void) | null = null;

export class Interruption {
  readonly #abort = new AbortController();
  #act: () => void = () => this.#abort.abort();
  #happened = false;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    interruptCommand = () => this.happen();
  }

  get happened(): boolean {
    return this.#happened;
  }

  /** Aborted by the interruption, unless `instead` gave it something else to do. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** From now on an interruption calls `act`, at once where it has happened already. */
  instead(act: () => void): void {
    this.#act = act;
    if (this.#happened) act();
  }

  abort(): void {
    this.#abort.abort();
  }

  happen(): void {
    if (this.#happened) return;
    this.#happened = true;
    this.#act();
  }

  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.#act = () => undefined;
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    // The second Ctrl-C leaves at once. A closing terminal sends SIGHUP more than once.
    if (this.#happened && signal !== 'SIGHUP') process.exit(EXIT.interrupted);
    this.happen();
  };
}

/** Runs work that an interruption cancels through its signal. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new Interruption();
  try {
    return await work(interruption.signal);
  } finally {
    interruption.dispose();
  }
}

/** Call once: errors of stdout interrupt a command that can save, and end any other; those of stderr are ignored. */
export function watchOutputStreams({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'> = process): void {
  const onBrokenPipe = (error: NodeJS.ErrnoException, act: () => void): void => {
    if (!READER_GONE.has(error.code ?? '')) throw error;
    act();
  };
  stdout.on('error', (error) =>
    onBrokenPipe(error, () => {
      if (interruptCommand === null) process.exit();
      interruptCommand();
    }),
  );
  stderr.on('error', (error) => onBrokenPipe(error, () => undefined));
}
