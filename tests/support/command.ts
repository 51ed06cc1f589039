/** Commands of the command line in this process, on services whose workers start from the build. */
import { vi } from 'vitest';
import { main } from '../../src/main/cli/program.ts';
import { createNextvec, type Nextvec } from '../../src/main/nextvec.ts';
import { BUILT } from './open.ts';

export interface Ended {
  readonly status: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

type Open = typeof createNextvec;

const openBuilt: Open = (options) => createNextvec({ ...options, entries: BUILT });

/** One at a time. */
export async function runCommand(words: readonly string[], open = openBuilt): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    }),
  );
  try {
    await main(words, open);
    return { status: process.exitCode, ...texts };
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}

/** The last line of --json, the result or the error. */
export function lastLine<R>({ stdout }: { readonly stdout: string }): R {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as R;
}

/** Commands on one storage folder whose services, and so their data workers, stay open from one to the next. */
export class CommandsOn {
  readonly #home: string;
  #opened: Nextvec | null = null;

  constructor(home: string) {
    this.#home = home;
  }

  run(...words: readonly string[]): Promise<Ended> {
    return runCommand([...words, '--home', this.#home], async (options) => {
      this.#opened ??= await openBuilt(options);
      return { ...this.#opened, close: () => Promise.resolve() };
    });
  }

  async json<R = Record<string, unknown>>(...words: readonly string[]): Promise<R> {
    return lastLine(await this.run(...words, '--json'));
  }

  /** Frees the folder for a process. */
  async close(): Promise<void> {
    await this.#opened?.close();
    this.#opened = null;
  }
}
