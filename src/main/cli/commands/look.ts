/** `inspect-window` and `map`: one window through a checkpoint, and a set's vectors in the plane, as the window shows them. */
import { extname } from 'node:path';
import type { Command } from 'commander';
import { historyName } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { figure, signed } from '#shared/domain/figures.ts';
import type { Inspection, WindowPick, WindowPlace } from '#shared/domain/evaluation/inspection.ts';
import { MAP_METHODS, MAP_SIDES, type VectorMap } from '#shared/domain/datasets/vector-map.ts';
import { checkTarget, writeTarget, type OutputTarget } from '../../formats/files/output-file.ts';
import type { CommandContext } from '../context.ts';
import { PART_OPTION, readPart } from './evaluation.ts';
import { findData, findRun } from '../handles.ts';
import { printProgress, toJsonLine, type Output } from '../output.ts';
import { withSession } from '../session.ts';
import { lineOf, textColumn } from '../texts.ts';

interface LookFlags {
  readonly data: string;
  readonly part?: string;
  readonly window?: string;
  readonly rank?: string;
}

interface MapFlags {
  readonly method: string;
  readonly run?: string;
  readonly out?: string;
}

export function addLookCommands(program: Command, context: CommandContext): void {
  program
    .command('inspect-window <RUN>')
    .description('one window through the best checkpoint: attention, cosines, nearest targets; parity first')
    .requiredOption('--data <F>', 'a file, an imported data set, or "sample"')
    .option(...PART_OPTION)
    .option('--window <N>', 'the window with this number')
    .option('--rank <SHARE>', 'or by its place, from 0 (the worst cosine) to 1 (the best) [0.5]')
    .action((handle: string, flags: LookFlags) => context.run((out) => inspectWindow(context, handle, flags, out)));
  program
    .command('map <DATA>')
    .description('the vectors of a data set in the plane, with article, side of the split and, with --run, cosine')
    .option('--method <M>', MAP_METHODS.join('|'), 'pca')
    .option('--run <RUN>', 'whose split it shows and whose predictions it measures')
    .option('--out <F>', 'a .csv or .json file; without it only a summary (--json: every point)')
    .action((data: string, flags: MapFlags) => context.run((out) => map(context, data, flags, out)));
}

/** Throws BAD_INPUT for an invalid window number or rank. */
function readPick({ window, rank }: Pick<LookFlags, 'window' | 'rank'>): WindowPick {
  if (window !== undefined && rank !== undefined)
    throw new NextvecError('BAD_INPUT', '--window and --rank name two windows.', { remedy: 'Give one of them.' });
  if (window !== undefined) {
    if (/^\d{1,12}$/.test(window)) return { by: 'window', window: Number(window) };
    throw new NextvecError('BAD_INPUT', `--window needs the number of a window, not "${window}".`);
  }
  const share = rank === undefined || rank.trim() === '' ? 0.5 : Number(rank);
  if (share >= 0 && share <= 1) return { by: 'rank', share };
  throw new NextvecError('BAD_INPUT', `--rank needs a number from 0 (worst) to 1 (best), not "${rank}".`);
}

function inspectWindow(context: CommandContext, handle: string, flags: LookFlags, out: Output): Promise<void> {
  const pick = readPick(flags);
  const part = readPart(flags.part);
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const run = await findRun(client, handle);
    const data = await findData(client, flags.data, 'ood', out);
    out.progress('proving parity …');
    const inspection = await client.evaluation.inspect({ runId: run.id, datasetId: data.id, part, pick });
    out.result(inspection, () => printInspection(inspection, out));
  });
}

function placeText(place: WindowPlace): string {
  return place === null ? 'article unknown' : `article ${place.article}, window ${place.index + 1} of ${place.of}`;
}

function printInspection(found: Inspection, out: Output): void {
  out.line(`Window ${found.window}, ${placeText(found.place)}; ${found.rank + 1} of ${found.ranked} from the worst`);
  out.line(
    `Cosine ${figure(found.cosine)}, mean of context ${figure(found.contextMeanCosine)}, lift ${signed(found.cosine - found.contextMeanCosine)}; norm of prediction ${figure(found.predictionNorm)}, of target ${figure(found.targetNorm)}`,
  );
  out.line();
  const T = found.cosines.length - 2;
  const [target, prediction] = [T, T + 1];
  out.table(
    Array.from({ length: T }, (_, t) => t),
    [
      { title: 'position', value: (t) => historyName(t, found.task) ?? String(t - T + 1), align: 'right' },
      { title: 'attention', value: (t) => figure(found.attention?.[t]), align: 'right' },
      { title: 'to target', value: (t) => figure(found.cosines[t][target]), align: 'right' },
      { title: 'to prediction', value: (t) => figure(found.cosines[t][prediction]), align: 'right' },
      ...textColumn(found.texts.context, (t: number) => found.texts.context[t]),
    ],
  );
  if (found.texts.target !== null) out.line(`Target: ${lineOf(found.texts.target)}`);
  out.line();
  out.line(`Own target: place ${found.targetRank} of ${found.candidates} by cosine to the prediction. Nearest:`);
  out.table(found.neighbours, [
    { title: 'window', value: ({ window, isTarget }) => `${window}${isTarget ? ' (own)' : ''}`, align: 'right' },
    { title: 'place', value: ({ place }) => placeText(place) },
    { title: 'cosine', value: ({ cosine }) => figure(cosine), align: 'right' },
    { title: 'to own target', value: ({ toTarget }) => figure(toTarget), align: 'right' },
    ...textColumn(
      found.neighbours.map(({ text }) => text),
      ({ text }: (typeof found.neighbours)[number]) => text,
    ),
  ]);
}

function readMapFlags({ method, out }: MapFlags): { method: (typeof MAP_METHODS)[number]; out: string | null } {
  const known = MAP_METHODS.find((name) => name === method);
  if (!known) throw new NextvecError('BAD_INPUT', `--method is one of ${MAP_METHODS.join(', ')}, not "${method}".`);
  if (out === undefined) return { method: known, out: null };
  if (!['.csv', '.json'].includes(extname(out)))
    throw new NextvecError('BAD_INPUT', `--out ${out} is neither a .csv nor a .json file.`, {
      remedy: 'Name the file with one of these two endings.',
    });
  return { method: known, out };
}

async function map(context: CommandContext, handle: string, flags: MapFlags, out: Output): Promise<void> {
  const { method, out: file } = readMapFlags(flags);
  const target = file === null ? null : await checkTarget(file);
  await withSession(context.options(), out, 'owner', async ({ client }) => {
    const data = await findData(client, handle, 'train', out);
    const runId = flags.run === undefined ? null : (await findRun(client, flags.run)).id;
    for await (const event of await client.evaluation.map({ id: data.id, method, runId })) {
      if (event.type === 'progress') printProgress(event, out);
      else await writeMap(event.map, data.name, target, out);
    }
  });
}

async function writeMap(found: VectorMap, name: string, target: OutputTarget | null, out: Output): Promise<void> {
  const points = pointsOf(found);
  const { method, vectors, explained, splitOf } = found;
  const summary = { method, vectors, drawn: points.length, explained, splitOf };
  const path = target?.path ?? null;
  if (target !== null) {
    const text = extname(target.path) === '.csv' ? mapCsv(points) : `${toJsonLine({ ...summary, points })}\n`;
    await writeTarget(target, text);
  }
  out.result(path === null ? { ...summary, points } : { ...summary, path }, () => {
    const axes =
      explained === null
        ? ''
        : `, ${explained.map((share) => `${(100 * share).toFixed(1)} %`).join(' + ')} of the variance`;
    out.line(`${method.toUpperCase()} of ${name}: ${points.length} of ${vectors} vectors${axes}; split of ${splitOf}.`);
    if (path !== null) out.line(path);
    else out.line('Add --out with a .csv or .json file to keep the points.');
  });
}

interface MapPoint {
  readonly vector: number;
  readonly x: number;
  readonly y: number;
  /** null: not known. */
  readonly article: number | null;
  readonly side: (typeof MAP_SIDES)[number] | null;
  /** Of the run's prediction to this vector; null where it is no target, or no run was named. */
  readonly cosine: number | null;
}

function pointsOf({ vector, x, y, article, side, cosine }: VectorMap): MapPoint[] {
  const known = (value: number | undefined): number | null =>
    value === undefined || Number.isNaN(value) ? null : value;
  return Array.from(x, (_, i) => ({
    vector: vector[i],
    x: x[i],
    y: y[i],
    article: known(article[i]),
    side: side && MAP_SIDES[side[i]],
    cosine: known(cosine?.[i]),
  }));
}

/** A header and a line for each point; unknown values are empty. */
function mapCsv(points: readonly MapPoint[]): string {
  const lines = points.map(({ vector, x, y, article, side, cosine }) =>
    [vector, x, y, article, side, cosine].join(','),
  );
  return `${['vector,x,y,article,side,cosine', ...lines].join('\n')}\n`;
}
