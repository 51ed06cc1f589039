/** Context of every command: global flags, and a runner that prints the last line and sets the exit status. */
import type { Command } from 'commander';
import { errorData, EXIT, exitStatus } from './exit.ts';
import { createOutput, type Output } from './output.ts';
import type { GlobalOptions, OpenNextvec } from './session.ts';

export interface CommandContext {
  options(): GlobalOptions;
  /** Runs a command; it resolves to the exit status, or to nothing for 0. */
  run(work: (out: Output) => Promise<number | void>): Promise<void>;
}

export function createContext(program: Command, open?: OpenNextvec): CommandContext {
  return {
    options: () => ({ ...program.opts<GlobalOptions>(), open }),
    async run(work) {
      const out = createOutput(program.opts<GlobalOptions>().json === true);
      try {
        process.exitCode = (await work(out)) ?? EXIT.done;
      } catch (error) {
        process.exitCode = fail(error, out);
      }
    },
  };
}

/** Prints an error (last line of --json, or stderr) and returns the exit status. */
export function fail(error: unknown, out: Output): number {
  const { code, message, remedy, details } = errorData(error);
  const place = typeof details?.place === 'string' ? details.place : undefined;
  out.result({ error: { code, message, place, remedy } }, () => {
    const where = place === undefined || message.includes(place) ? '' : `${place}: `;
    out.problem(`nextvec: ${where}${message}`);
    if (remedy) out.problem(remedy);
    if (code === 'INTERNAL' && error instanceof Error) out.problem(error.stack ?? '');
  });
  return exitStatus(code);
}
