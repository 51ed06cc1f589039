/** The command line as a program: all commands, and the exit status of one. */
import { Command, CommanderError } from 'commander';
import { programFiles } from '../hosts/locations.ts';
import { addBalanceCommand } from './commands/balance.ts';
import { addClusterCommands } from './commands/clusters.ts';
import { createContext, fail } from './context.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addEngineInstallCommand } from './commands/engine-install.ts';
import { addEngineCommands } from './commands/engines.ts';
import { addDataCommands } from './commands/data.ts';
import { addDatasetsCommand } from './commands/datasets.ts';
import { addEvaluationCommands } from './commands/evaluation.ts';
import { addHistoryCommands } from './commands/history.ts';
import { addHostCommands } from './commands/host.ts';
import { addImportCommands } from './commands/imports.ts';
import { addLookCommands } from './commands/look.ts';
import { createOutput } from './output.ts';
import { addInferenceCommands } from './commands/predict.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addQueueCommand } from './commands/queue.ts';
import { addReportCommands } from './commands/reports.ts';
import type { OpenNextvec } from './session.ts';
import { addSweepCommand } from './commands/sweep.ts';
import { addTrainCommands } from './commands/train.ts';
import { addWatchCommand } from './commands/watch.ts';

export function createProgram(open?: OpenNextvec): Command {
  const program = new Command('nextvec')
    .description('Retrain next-vector predictors and believe the numbers.')
    .version(programFiles().version)
    .option('--home <DIR>', 'storage folder [NEXTVEC_HOME, else the place this system has for it]')
    .option('--json', 'one JSON object a line on stdout, the last line the result')
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  const context = createContext(program, open);
  addTrainCommands(program, context);
  addDataCommands(program, context);
  addDatasetsCommand(program, context);
  addImportCommands(program, context);
  addHistoryCommands(program, context);
  addInferenceCommands(program, context);
  addEvaluationCommands(program, context);
  addLookCommands(program, context);
  addBalanceCommand(program, context);
  addReportCommands(program, context);
  addPlanCommand(program, context);
  addQueueCommand(program, context);
  addSweepCommand(program, context);
  addEngineCommands(program, context);
  addEngineInstallCommand(program, context);
  addHostCommands(program, context);
  addClusterCommands(program, context);
  addWatchCommand(program, context);
  addCompletionCommand(program, context);
  for (const command of program.commands) {
    // Global flags may stand after the command too.
    command.option('--home <DIR>', 'storage folder').option('--json', 'machine-readable output');
    command.copyInheritedSettings(program);
    command.hook('preAction', (thisCommand) => {
      const { home, json } = thisCommand.opts<{ home?: string; json?: boolean }>();
      if (home !== undefined) program.setOptionValue('home', home);
      if (json) program.setOptionValue('json', true);
    });
  }
  return program;
}

const HELP_CODES = new Set(['commander.helpDisplayed', 'commander.version', 'commander.help']);

/** Runs the command of these words, on services that `open` gives; sets the exit status of the process. */
export async function main(argv: readonly string[], open?: OpenNextvec): Promise<void> {
  const program = createProgram(open);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && HELP_CODES.has(error.code)) {
      process.exitCode = error.code === 'commander.help' && argv.length === 0 ? 2 : 0;
      return;
    }
    process.exitCode = fail(error, createOutput(argv.includes('--json')));
  }
}
