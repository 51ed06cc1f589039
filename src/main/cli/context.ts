/** What every command gets: the global flags and a way to run that ends with the right last line and exit status. */
import type { Command } from 'commander';
import { errorData, EXIT, exitStatus } from './exit.ts';
import { createOutput, type Output } from './output.ts';
import type { GlobalOptions } from './session.ts';

export interface CommandContext {
  options(): GlobalOptions;
  /** Runs a command; what it resolves to is the exit status (nothing: 0). */
  run(work: (out: Output) => Promise<number | void>): Promise<void>;
}

export function createContext(program: Command): CommandContext {
  return {
    options: () => program.opts<GlobalOptions>(),
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

/** Prints what went wrong (last line of --json, or stderr) and answers the exit status. */
export function fail(error: unknown, out: Output): number {
  const { code, message, remedy } = errorData(error);
  out.result({ error: { code, message, ...(remedy === undefined ? {} : { remedy }) } }, () => {
    console.error(`nextvec: ${message}`);
    if (remedy) console.error(remedy);
    if (code === 'INTERNAL' && error instanceof Error) console.error(error.stack);
  });
  return exitStatus(code);
}
