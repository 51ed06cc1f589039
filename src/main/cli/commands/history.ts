/** `runs`, `show`, `delete`, `export`: the history from the command line. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Imported, RunDetail, RunSummary } from '#shared/contract/runs.ts';
import { EXPORT_FORMATS, type ExportFormat } from '#shared/domain/runs/run-kinds.ts';
import { sharingWords } from '#shared/domain/runs/sharing.ts';
import { nameWithTask, taskText } from '#shared/domain/datasets/task.ts';
import { signedInterval, withInterval, type Interval } from '#shared/domain/evaluation/interval.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import {
  checkTarget,
  checkTargetFolder,
  moveToTarget,
  withScratch,
  writeTarget,
} from '../../formats/files/output-file.ts';
import type { CommandContext } from '../context.ts';
import { errorData } from '../exit.ts';
import { findRun } from '../handles.ts';
import { formatBytes, formatCosine, formatDuration, type Output } from '../output.ts';
import { withSession, type Session } from '../session.ts';
import { parseWhere } from '../flags/where.ts';

export function addHistoryCommands(program: Command, context: CommandContext): void {
  program
    .command('runs')
    .description('list the runs, newest first')
    .option('--where <EXPR>', 'e.g. "status = finished and valCosine > 0.4"')
    .action((flags: { where?: string }) => context.run((out) => listRuns(context, flags.where, out)));
  program
    .command('show <RUN>')
    .description('everything about one run: recipe, epochs, gates, log')
    .action((handle: string) => context.run((out) => show(context, handle, out)));
  program
    .command('delete <RUN>')
    .description('delete a run and its files')
    .action((handle: string) => context.run((out) => remove(context, handle, out)));
  program
    .command('export <RUN>')
    .description('write a run out')
    .requiredOption('--format <F>', EXPORT_FORMATS.join('|'))
    .option(
      '--out <F>',
      'file to write (tfjs, tensorboard, torch-project: folder); text formats go to stdout without it',
    )
    .action((handle: string, flags: { format: string; out?: string }) =>
      context.run((out) => exportRun(context, handle, flags, out)),
    );
}

function listRuns(context: CommandContext, where: string | undefined, out: Output): Promise<void> {
  const wanted = where === undefined ? () => true : parseWhere(where);
  return withSession(context.options(), out, 'any', async ({ client }) => {
    const all = await client.runs.list();
    const runs = all.filter(wanted).toSorted((a, b) => b.number - a.number);
    out.result({ runs }, () => printRuns(runs, all.length, out));
  });
}

function printRuns(runs: readonly RunSummary[], total: number, out: Output): void {
  if (runs.length === 0) {
    out.line(total === 0 ? 'No runs yet. Start one: nextvec train --data sample --ood sample' : 'No run matches.');
    return;
  }
  out.table(runs, [
    { title: '#', value: (run) => run.number },
    { title: 'name', value: (run) => run.name },
    { title: 'status', value: (run) => (run.imported ? 'imported' : run.status) },
    { title: 'model', value: (run) => run.recipe.modelType },
    { title: 'data', value: (run) => nameWithTask(run.datasetName, run.task) },
    { title: 'epoch', value: (run) => `${run.epoch}/${run.recipe.epochs}`, align: 'right' },
    {
      title: 'validation',
      value: ({ best }) => cosineText(best?.valCosine, best?.intervals?.valCosine),
      align: 'right',
    },
    { title: 'OOD', value: ({ best }) => cosineText(best?.oodCosine, best?.intervals?.oodCosine), align: 'right' },
    { title: 'lift', value: (run) => signedInterval(run.valLift, run.best?.intervals?.valLift), align: 'right' },
    { title: 'rows/s', value: (run) => (run.rowsPerSecond === null ? null : Math.round(run.rowsPerSecond)) },
    { title: 'time', value: (run) => (run.imported ? null : formatDuration(run.durationMs)), align: 'right' },
    { title: 'id', value: (run) => run.id },
  ]);
}

function cosineText(cosine: number | null | undefined, interval: Interval | null | undefined): string {
  return withInterval(cosine, interval, formatCosine);
}

function show(context: CommandContext, handle: string, out: Output): Promise<void> {
  return withSession(context.options(), out, 'any', async ({ client }) => {
    const run = await findRun(client, handle);
    const detail = await client.runs.get({ runId: run.id });
    out.result(detail, () => printDetail(detail, out));
  });
}

function printDetail({ run, epochs, epochsStatedBy, gates, log, commandLine }: RunDetail, out: Output): void {
  out.line(`Run #${run.number} ${run.name} (${run.id}): ${run.status}${run.reason ? `, ${run.reason}` : ''}`);
  out.line(commandLine);
  if (run.task) out.line(`Task: the next vector after ${taskText(run.task)}`);
  if (run.engine) {
    const { name, version, variant, vectorBits, threads, adapter, tiling, sharing } = run.engine;
    const bits = vectorBits === undefined ? '' : `, ${vectorBits}-bit vectors`;
    const where = adapter ? '' : `, ${threads} threads`;
    const tiles = tiling ? `, tiles ${tiling.few} and ${tiling.many}` : '';
    out.line(`Engine ${name} ${version} ${variant}${bits}${where}${tiles}`);
    if (sharing) out.line(`Shared the machine: ${sharingWords(sharing)}`);
  }
  const stated = epochsStatedBy === null ? '' : ' (stated)';
  if (run.imported) out.line(importedWords(run.imported));
  if (epochsStatedBy !== null) out.line(`The epochs are as ${epochsStatedBy} states them; none was measured here.`);
  out.line();
  out.table(epochs, [
    { title: 'epoch', value: (epoch) => epoch.epoch },
    { title: 'loss', value: (epoch) => epoch.trainLoss?.toPrecision(4) ?? null, align: 'right' },
    { title: `train${stated}`, value: (epoch) => formatCosine(epoch.trainCosine), align: 'right' },
    {
      title: `validation${stated}`,
      value: ({ valCosine, intervals }) => cosineText(valCosine, intervals?.valCosine),
      align: 'right',
    },
    {
      title: `OOD${stated}`,
      value: ({ oodCosine, intervals }) => cosineText(oodCosine, intervals?.oodCosine),
      align: 'right',
    },
    { title: 'lr', value: (epoch) => epoch.lr?.toPrecision(3) ?? null, align: 'right' },
    { title: 'rows/s', value: (epoch) => (epoch.rowsPerSecond === null ? null : Math.round(epoch.rowsPerSecond)) },
    { title: '', value: (epoch) => (epoch.isBest ? 'best' : '') },
  ]);
  for (const { gate, epoch, value, passed } of gates) {
    const state = passed ? 'passed' : `not reached: ${gate.action}`;
    out.line(`gate epoch ${epoch}: ${gate.metric} ${formatCosine(value)}, asked ${gate.threshold}, ${state}`);
  }
  for (const { at, level, message } of log) out.line(`${new Date(at).toISOString()} ${level} ${message}`);
}

/** Figures measured here, apart from those an imported file states. */
export function importedWords({ measured, stated }: Imported): string {
  const here = measured
    ? `${formatCosine(measured.valCosine)} measured here on ${measured.rows.toLocaleString('en-US')} windows`
    : 'not measured here';
  const there =
    stated.valCosine === null ? 'none stated by the file' : `${formatCosine(stated.valCosine)} stated by the file`;
  return `Validation cosine ${here}, ${there}`;
}

function remove(context: CommandContext, handle: string, out: Output): Promise<void> {
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const run = await findRun(client, handle);
    const { freedBytes } = await client.runs.delete({ runId: run.id });
    out.result({ runId: run.id, number: run.number, freedBytes }, () =>
      out.line(`Deleted run #${run.number} ${run.name}; ${formatBytes(freedBytes)} freed.`),
    );
  });
}

function exportRun(
  context: CommandContext,
  handle: string,
  flags: { readonly format: string; readonly out?: string },
  out: Output,
): Promise<void> {
  const format = EXPORT_FORMATS.find((name): name is ExportFormat => name === flags.format);
  if (format === undefined) {
    const remedy = `Formats: ${EXPORT_FORMATS.join(', ')}.`;
    throw new NextvecError('BAD_INPUT', `There is no export format "${flags.format}".`, { remedy });
  }
  if (flags.out === undefined) return exportBeside(context, handle, format, out);
  return FOLDER_FORMATS.includes(format)
    ? exportFolder(context, { handle, format, folder: flags.out }, out)
    : exportFile(context, { handle, format, file: flags.out }, out);
}

const FOLDER_FORMATS: readonly ExportFormat[] = ['tfjs', 'tensorboard', 'torch-project'];

/** Text to stdout, files to the storage folder's `exports/`. */
function exportBeside(context: CommandContext, handle: string, format: ExportFormat, out: Output): Promise<void> {
  return withSession(context.options(), out, 'any', async ({ client }) => {
    const run = await findRun(client, handle);
    const { path, text } = await client.runs.export({ runId: run.id, format });
    if (text === null) out.result({ path, format }, () => out.line(path ?? ''));
    else out.result({ path: null, format, text }, () => out.line(text.trimEnd()));
  });
}

interface NamedExport {
  readonly handle: string;
  readonly format: ExportFormat;
}

async function exportFile(
  context: CommandContext,
  { handle, format, file }: NamedExport & { readonly file: string },
  out: Output,
): Promise<void> {
  const target = await checkTarget(file);
  await withScratch(target, (exportsFolder) => {
    const work = async ({ client }: Session): Promise<void> => {
      const run = await findRun(client, handle);
      const { path, text } = await client.runs.export({ runId: run.id, format });
      if (path !== null) await moveToTarget(target, path);
      else if (text !== null) await writeTarget(target, text.endsWith('\n') ? text : `${text}\n`);
      out.result({ path: target.path, format }, () => out.line(target.path));
    };
    return inScratch(withSession(context.options(), out, 'any', work, { exportsFolder }), exportsFolder, target.path);
  });
}

/** The files of an export that is a folder; others in it stay. */
async function exportFolder(
  context: CommandContext,
  { handle, format, folder }: NamedExport & { readonly folder: string },
  out: Output,
): Promise<void> {
  const target = await checkTargetFolder(folder);
  await withScratch(await checkTarget(join(target, 'file')), (exportsFolder) => {
    const work = async ({ client }: Session): Promise<void> => {
      const run = await findRun(client, handle);
      const { path } = await client.runs.export({ runId: run.id, format });
      for (const name of path === null ? [] : await readdir(path)) {
        await moveToTarget(await checkTarget(join(target, name)), join(path ?? '', name));
      }
      out.result({ path: target, format }, () => out.line(target));
    };
    return inScratch(withSession(context.options(), out, 'any', work, { exportsFolder }), exportsFolder, target);
  });
}

/** An error about a file in the scratch folder names the target instead. */
export async function inScratch(work: Promise<void>, scratch: string, target: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    const { code, message, remedy, details } = errorData(error);
    const place = details?.place;
    if (typeof place !== 'string' || !place.startsWith(scratch)) throw error;
    const renamed = message.replaceAll(place, () => target);
    throw new NextvecError(code, renamed, { remedy, details: { place: target }, cause: error });
  }
}
