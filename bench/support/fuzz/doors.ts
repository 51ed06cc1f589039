/**
 * The two ways in: commands, run in this process up to the point where they would open a storage folder, and calls over
 * the in-process client. Both answer 'accepted' or the code of a refusal; any other error is thrown.
 */
import { Command } from 'commander';
import { isBadInput } from '#shared/domain/errors.ts';
import { addDatasetsCommand } from '../../../src/main/cli/commands/datasets.ts';
import { errorData } from '../../../src/main/cli/exit.ts';
import { addHistoryCommands } from '../../../src/main/cli/commands/history.ts';
import { createOutput } from '../../../src/main/cli/output.ts';
import { addPlanCommand } from '../../../src/main/cli/commands/plan.ts';
import { addQueueCommand } from '../../../src/main/cli/commands/queue.ts';
import { addSweepCommand } from '../../../src/main/cli/commands/sweep.ts';
import { addTrainCommands } from '../../../src/main/cli/commands/train.ts';

/** The command has read all its words and would open the storage folder now. */
class StorageWanted extends Error {}

/** Longest message a refusal may have: a hostile name must not fill a screen. */
const LONGEST_MESSAGE = 6000;

/** Right answers to a path beside the bad inputs: outside the roots, on a full device. */
const OTHER_REFUSALS: readonly string[] = ['NO_PERMISSION', 'DISK_FULL'];

/** The code of a refusal; an error of any other kind is thrown. */
export function refusalCode(error: unknown): string {
  const { code, message } = errorData(error);
  if (!isBadInput(code) && !OTHER_REFUSALS.includes(code)) throw error;
  if (message === '') throw new Error(`${code} without a message`, { cause: error });
  if (message.length > LONGEST_MESSAGE) throw new Error(`${code} with a message of ${message.length} characters`);
  return code;
}

export async function callOutcome(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    return refusalCode(error);
  }
}

/** Built once: it takes longer than parsing the words. */
let built: Command | null = null;

function program(): Command {
  built ??= buildProgram();
  return built;
}

function buildProgram(): Command {
  const nothing = { write: () => undefined };
  const out = createOutput(true, { stdout: nothing, stderr: nothing });
  const command = new Command('nextvec')
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined, outputError: () => undefined });
  const context = {
    options: () => {
      throw new StorageWanted();
    },
    run: async (work: (output: typeof out) => Promise<number | void>) => void (await work(out)),
  };
  const commands = [addTrainCommands, addSweepCommand, addPlanCommand, addQueueCommand];
  for (const add of [...commands, addHistoryCommands, addDatasetsCommand]) add(command, context);
  return command;
}

/** The outcome of a command's words. */
export async function commandOutcome(words: readonly string[]): Promise<string> {
  try {
    await program().parseAsync(words, { from: 'user' });
    return 'accepted';
  } catch (error) {
    return error instanceof StorageWanted ? 'accepted' : refusalCode(error);
  }
}
