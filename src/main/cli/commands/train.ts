/** `train` and `resume`: a run from the first to the last line, interruptions included. */
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { BASELINE_LABELS, BASELINES } from '#shared/domain/runs/training.ts';
import { signedInterval, withInterval } from '#shared/domain/evaluation/interval.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { modelRow } from '#shared/domain/models/models.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { NameSchema } from '#shared/domain/names.ts';
import { ENGINE_CHOICES, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { checkTarget, checkTargetFolder, writeTarget } from '../../formats/files/output-file.ts';
import { addTaskFlags, taskOptions, type TaskFlags } from '../flags/chunk-flags.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { finishedEvent, followRun, type Outcome } from '../follow-run.ts';
import { recipeWarnings, findRun } from '../handles.ts';
import { Interruption } from '../interruption.ts';
import { formatCosine, formatDuration, type Output } from '../output.ts';
import { PeakMemory } from '../peak-memory.ts';
import { oneOf } from './engines.ts';
import { ON_FLAG, ON_HELP, readOn } from '../flags/on-flag.ts';
import { addRecipeFlags, readRecipe } from '../flags/recipe-flags.ts';
import { withSession, type Session } from '../session.ts';
import { trainingData, type DataFlags } from '../flags/training-data.ts';

interface TrainFlags extends DataFlags, TaskFlags {
  readonly outputDir?: string;
  readonly name?: string;
  readonly tag?: string[];
  readonly keepEvery?: string;
  readonly on?: string;
}

interface ResumeFlags {
  readonly engine?: string;
  readonly outputDir?: string;
}

export function addTrainCommands(program: Command, context: CommandContext): void {
  const command = program
    .command('train')
    .description('train a model; Ctrl-C pauses and saves, "resume" goes on')
    .option('--data <F>', 'training data: a file, an imported data set, or "sample"; else as --recipe says')
    .option('--ood <F>', 'out-of-distribution data: a file, an imported data set, or "sample"');
  addRecipeFlags(addTaskFlags(command))
    .option('--output-dir <D>', 'also write best checkpoint, recipe and series there')
    .option('--name <S>', 'name of the run')
    .option('--tag <S...>', 'tags of the run')
    .option(ON_FLAG, ON_HELP)
    .option('--keep-every <K>', 'also keep the checkpoint of every K-th epoch, 0: none; remembered as a setting')
    .action((flags: TrainFlags) => context.run((out) => train(context, flags, out)));
  program
    .command('resume <RUN>')
    .description('go on with a paused or interrupted run, bit for bit')
    .option('--engine <E>', `instead of its own, rounds differently: ${ENGINE_CHOICES.join('|')}`)
    .option('--output-dir <D>', 'also write best checkpoint, recipe and series there')
    .action((handle: string, flags: ResumeFlags) => context.run((out) => resume(context, handle, flags, out)));
  program
    .command('stop <RUN>')
    .description('end the job of a run on a cluster, resumable')
    .action((handle: string) => context.run((out) => stop(context, handle, out)));
}

function stop(context: CommandContext, handle: string, out: Output): Promise<void> {
  const work = async ({ client }: Session): Promise<void> => {
    const { id, on, status } = await findRun(client, handle);
    if (on === undefined || hasEnded(status)) {
      throw new NextvecError('CONFLICT', `Run ${handle} has no job on a cluster.`, {
        remedy: 'A run that trains here is stopped where it trains, with Ctrl-C or in its window.',
        details: { place: handle },
      });
    }
    // Its job is found again first.
    await client.runs.resume({ runId: id });
    const run = await client.runs.stop({ runId: id, at: 'now' });
    out.result({ type: 'stopped', runId: id, status: run.status }, () => out.line(`Run #${run.number} was stopped.`));
  };
  return withSession(context.options(), out, 'owner', work);
}

function train(context: CommandContext, flags: TrainFlags, out: Output): Promise<number> {
  // Bad flags are reported before any file is read. Which data sets there are is not known yet.
  readRecipe(flags, '-', '-');
  const name = readName(flags.name);
  const keepEveryEpochs = readKeepEvery(flags.keepEvery);
  const task = taskOptions(flags);
  const on = readOn(flags.on);
  return trainingSession(context, out, flags.outputDir, async ({ client }, signal) => {
    const { data, ood } = await trainingData(client, flags, task, out, signal);
    const recipe = readRecipe(flags, data.id, ood?.id ?? null);
    await printLint(client, recipe, out);
    if (keepEveryEpochs !== null) await client.app.settings.set({ keepEveryEpochs });
    const { runId } = await client.runs.start({ recipe, name, tags: flags.tag ?? [], on });
    return runId;
  });
}

function readName(word: string | undefined): string | undefined {
  const parsed = NameSchema.optional().safeParse(word);
  if (parsed.success) return parsed.data;
  throw new NextvecError('BAD_INPUT', `--name: ${parsed.error.issues[0].message}.`, {
    remedy: 'Give a name of one line, or none.',
    details: { place: '--name' },
  });
}

function readKeepEvery(word: string | undefined): number | null {
  if (word === undefined) return null;
  if (/^\d{1,5}$/.test(word)) return Number(word);
  throw new NextvecError('BAD_INPUT', `--keep-every needs a number of epochs from 0 to 99999, not "${word}".`, {
    remedy: 'Give 0 to keep only the last and the best checkpoint.',
  });
}

/** Prints lint before training; errors that prevent a start come from `start` itself. */
async function printLint(client: NextvecClient, recipe: Recipe, out: Output): Promise<void> {
  const { lint } = await client.runs.preflight({ recipe });
  if (lint.length === 0) return;
  out.event({ type: 'lint', lint });
  for (const { severity, message, reason } of lint) {
    if (severity !== 'info') out.progress(`${severity}: ${message} ${reason}`, true);
  }
}

function resume(context: CommandContext, handle: string, flags: ResumeFlags, out: Output): Promise<number> {
  const engine = flags.engine === undefined ? undefined : oneOf('--engine', ENGINE_CHOICES, flags.engine);
  return trainingSession(context, out, flags.outputDir, async ({ client }) => {
    const run = await findRun(client, handle);
    await client.runs.resume({ runId: run.id, engine });
    return run.id;
  });
}

/** Opens the services, starts a run by `begin`, follows it, prints the result; returns the exit status. */
async function trainingSession(
  context: CommandContext,
  out: Output,
  outputDir: string | undefined,
  begin: (session: Session, signal: AbortSignal) => Promise<string>,
): Promise<number> {
  const exportsFolder = outputDir === undefined ? undefined : await checkTargetFolder(outputDir);
  const memory = new PeakMemory();
  const work = async (session: Session): Promise<number> => {
    const { client } = session;
    const interruption = new Interruption();
    let runId: string | null = null;
    try {
      runId = await begin(session, interruption.signal);
      const { recipe, on } = (await client.runs.get({ runId })).run;
      if (on === undefined) pauseInstead(interruption, client, runId);
      const warnings = await recipeWarnings(client, recipe);
      const onEpoch = (): void => memory.sample();
      const outcome = await followRun({ client, runId, out, signal: interruption.signal, warnings, onEpoch });
      memory.sample();
      if (exportsFolder !== undefined && outcome.run.best) await writeOutput(client, outcome.run, exportsFolder);
      printResult(outcome, finishedEvent(outcome.run, memory.bytes, warnings), out);
      return statusOf(outcome, interruption.happened);
    } catch (error) {
      if (!interruption.happened) throw error;
      const remedy = runId === null ? 'No run was started.' : await howToGoOn(client, runId);
      throw new NextvecError('CANCELLED', 'Interrupted.', { remedy, cause: error });
    } finally {
      interruption.dispose();
    }
  };
  return withSession(context.options(), out, 'owner', work, { spawnTrainer: memory.spawn, exportsFolder });
}

const RESUMABLE: ReadonlySet<RunStatus> = new Set(['paused', 'interrupted']);

/** An interruption pauses the run. One that is only starting is saved as far as it came when the services close. */
function pauseInstead(interruption: Interruption, client: NextvecClient, runId: string): void {
  interruption.instead(() => {
    client.runs.pause({ runId }).catch(() => interruption.abort());
  });
}

function howToResume(runId: string, engine?: string): string {
  const elsewhere = engine === undefined || engine === 'simd' ? '' : '; add --engine simd where its engine is missing';
  return `Saved. To go on: nextvec resume ${runId}${elsewhere}`;
}

/** A run on a cluster goes on by itself. */
async function howToGoOn(client: NextvecClient, runId: string): Promise<string> {
  const { on } = (await client.runs.get({ runId })).run;
  return on === undefined
    ? howToResume(runId)
    : `Its job on ${on} goes on. To follow it again: nextvec resume ${runId}; to end it: nextvec stop ${runId}`;
}

function howToFreeSpace(runId: string): string {
  return (
    'The disk is full: the run waits for free space. Free some on the disk of the storage folder, for instance with ' +
    `"nextvec delete"; then "nextvec resume ${runId}" goes on from its last checkpoint.`
  );
}

function statusOf({ run }: Outcome, interrupted: boolean): number {
  if (run.status === 'finished') return EXIT.done;
  return interrupted ? EXIT.interrupted : EXIT.failed;
}

/** The services write files into `folder` themselves; texts and the recipe are added. */
async function writeOutput(client: NextvecClient, run: RunSummary, folder: string): Promise<void> {
  const write = async (name: string, text: string): Promise<void> =>
    writeTarget(await checkTarget(join(folder, basename(name))), text.endsWith('\n') ? text : `${text}\n`);
  for (const format of ['safetensors', 'command', 'csv'] as const) {
    const { text, fileName } = await client.runs.export({ runId: run.id, format });
    if (text !== null) await write(fileName, text);
  }
  await write('recipe.json', JSON.stringify(run.recipe, null, 2));
}

function printResult({ run }: Outcome, result: object, out: Output): void {
  out.result(result, () => {
    out.line(`Run #${run.number} ${run.name} (${run.id}): ${run.status}${run.reason ? `, ${run.reason}` : ''}`);
    if (run.best) {
      out.line();
      out.table(resultRows(run), [
        { title: '', value: ({ label }) => label },
        { title: 'validation', value: ({ val }) => val, align: 'right' },
        { title: 'OOD', value: ({ ood }) => ood, align: 'right' },
      ]);
    }
    out.line();
    const speed = run.rowsPerSecond ? `, ${Math.round(run.rowsPerSecond)} rows/s` : '';
    out.line(`${formatDuration(run.durationMs)}${speed}`);
  });
  // On stderr: the reader of stdout may be what has gone.
  if (run.waitsForSpace) out.progress(howToFreeSpace(run.id), true);
  else if (RESUMABLE.has(run.status)) out.progress(howToResume(run.id, run.engine?.name), true);
}

function resultRows(run: RunSummary): { label: string; val: string; ood: string }[] {
  const { best, baselines } = run;
  const known = best?.intervals;
  const rows = [
    {
      // A fitted model has one checkpoint, that of its last epoch.
      label: `${modelRow(run.recipe.modelType).training === 'fit' ? 'Last' : 'Best'} epoch (${best?.epoch ?? '–'})`,
      val: withInterval(best?.valCosine, known?.valCosine, formatCosine),
      ood: withInterval(best?.oodCosine, known?.oodCosine, formatCosine),
    },
  ];
  for (const name of BASELINES) {
    const figures = baselines[name];
    if (!figures) continue;
    rows.push({
      label: BASELINE_LABELS[name],
      val: formatCosine(figures.valCosine),
      ood: formatCosine(figures.oodCosine),
    });
  }
  rows.push(
    {
      label: 'Lift over the mean of context',
      val: signedInterval(run.valLift, known?.valLift),
      ood: signedInterval(run.oodLift, known?.oodLift),
    },
    {
      label: 'Lift over the best baseline',
      val: signedInterval(run.valBestLift, known?.valBestLift),
      ood: signedInterval(run.oodBestLift, known?.oodBestLift),
    },
  );
  return rows;
}
