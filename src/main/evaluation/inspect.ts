/**
 * Looks at single windows through a checkpoint that is opened, and proven, once: prediction, attention, cosines and the
 * nearest targets. Runs in a data worker, which keeps the inspector between two windows. T context length, D width.
 */
import { draw } from '#engine/evaluation/measure.ts';
import { score } from '#engine/evaluation/score.ts';
import { contextMeans, cosine, dot, squaredNorm, unitRows } from '#engine/evaluation/vectors.ts';
import { blocks, gatherAll, type Split } from '#engine/evaluation/windows.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Parity } from '#shared/domain/evaluation/evaluation.ts';
import type { Inspection, Neighbour, WindowPick, WindowPlace } from '#shared/domain/evaluation/inspection.ts';
import { openDataset, type Dataset } from '../datasets/dataset.ts';
import { targetText, windowTexts } from '../datasets/texts/window-texts.ts';
import { windowPlaces } from '../datasets/window-places.ts';
import { bestCheckpoint, chosenSplit, ownSplits, refuseOtherShape } from './evaluate.ts';
import type { EvaluateJob } from '../processes/jobs/evaluation.ts';
import { openCheckpoint, type OpenModel } from './model.ts';
import { proveParity } from './parity.ts';

/** Windows that are ordered by cosine and whose targets are candidates; 60 MB of targets at D = 768. */
const MOST_RANKED = 20_000;
const NEIGHBOURS = 12;
const MAX_BATCH = 256;

/** Windows of a part in the order of their cosines, with their unit targets. */
interface Ranking {
  /** Window ids as drawn, ascending, [n]. */
  readonly ids: Uint32Array;
  readonly cosines: Float32Array;
  /** Rows of `ids` from the worst cosine to the best. */
  readonly order: Uint32Array;
  /** Unit targets [n, D]. */
  readonly targets: Float32Array;
}

export interface Inspector {
  inspect(pick: WindowPick): Promise<Inspection>;
  close(): Promise<void>;
}

export async function openInspector(job: EvaluateJob): Promise<Inspector> {
  const checkpoint = await bestCheckpoint(job);
  const training = openDataset(job.datasetFolder);
  const isOwn = job.data.folder === job.datasetFolder;
  const set = isOwn ? training : openDataset(job.data.folder);
  let opened: OpenModel | null = null;
  const close = async (): Promise<void> => {
    await opened?.close();
    training.close();
    if (!isOwn) set.close();
  };
  try {
    refuseOtherShape(checkpoint, set, job);
    const rows = training.windows + 2 * set.windows;
    opened = await openCheckpoint(checkpoint, job, { maxBatch: MAX_BATCH, rows });
    const own = await ownSplits(training, job);
    const { parity } = await proveParity(opened.model, checkpoint, own.validation);
    const part = await chosenSplit(set, own, isOwn, job);
    const ranking = await rank(opened, draw(part, MOST_RANKED, job.recipe.seed));
    const places = windowPlaces(set);
    const { model } = opened;
    return { close, inspect: (pick) => inspectWindow({ model, set, part, ranking, places, parity, job }, pick) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function rank({ model }: OpenModel, split: Split): Promise<Ranking> {
  const { D } = split.source;
  const scored = await score(model, split);
  if (scored === null) throw new NextvecError('CANCELLED', 'The look at the windows was cancelled.');
  const { cosines } = scored;
  const targets = new Float32Array(split.ids.length * D);
  for (const block of blocks(split)) targets.set(unitRows(block.targets, D), block.start * D);
  const order = Uint32Array.from(cosines, (_, row) => row).toSorted((a, b) => cosines[a] - cosines[b] || a - b);
  return { ids: split.ids, cosines, order, targets };
}

interface Open {
  readonly model: OpenModel['model'];
  readonly set: Dataset;
  readonly part: Split;
  readonly ranking: Ranking;
  readonly places: (window: number) => WindowPlace;
  readonly parity: Parity;
  readonly job: EvaluateJob;
}

function chooseWindow({ part, ranking, job }: Open, pick: WindowPick): number {
  if (pick.by === 'rank') {
    const last = ranking.order.length - 1;
    return ranking.ids[ranking.order[Math.round(pick.share * last)]];
  }
  if (part.ids.includes(pick.window)) return pick.window;
  const where = job.data.part === 'all' ? job.data.name : `the ${job.data.part} windows of ${job.data.name}`;
  throw new NextvecError('BAD_INPUT', `Window ${pick.window} is not among ${where}.`, {
    remedy: `They are ${part.ids.length} windows with numbers from ${part.ids[0]} to ${part.ids[part.ids.length - 1]}.`,
    details: { place: 'window' },
  });
}

/** Rank of the window among the sample by cosine, also when it was not drawn. */
function rankOf({ ids, cosines, order }: Ranking, window: number, ofWindow: number): number {
  const row = ids.indexOf(window);
  if (row !== -1) return order.indexOf(row);
  return Math.min(ids.length - 1, cosines.filter((value) => value < ofWindow).length);
}

async function inspectWindow(open: Open, pick: WindowPick): Promise<Inspection> {
  const { model, part, ranking, places, parity } = open;
  const { source } = part;
  const { T, D } = source;
  const window = chooseWindow(open, pick);
  const { contexts, targets } = gatherAll({ source, ids: Uint32Array.of(window) });
  const { raw, attention } = await model.predict(contexts, 1);
  // Context positions, target, prediction: [T + 2, D].
  const rows = new Float32Array((T + 2) * D);
  rows.set(contexts);
  rows.set(targets, T * D);
  rows.set(raw.subarray(0, D), (T + 1) * D);
  const cosines = Array.from({ length: T + 2 }, (_, i) =>
    Array.from({ length: T + 2 }, (__, j) => cosine(rows, i, rows, j, D)),
  );
  const ofWindow = cosines[T][T + 1];
  return {
    parity,
    task: open.job.task,
    window,
    place: places(window),
    rank: rankOf(ranking, window, ofWindow),
    ranked: ranking.ids.length,
    windows: part.ids.length,
    cosine: ofWindow,
    predictionNorm: Math.sqrt(squaredNorm(raw, 0, D)),
    targetNorm: Math.sqrt(squaredNorm(targets, 0, D)),
    contextMeanCosine: cosine(contextMeans(contexts, 1, T, D), 0, targets, 0, D),
    attention: attention ? Array.from(attention.subarray(0, T)) : null,
    cosines,
    texts: windowTexts(open.set, window),
    ...nearest(open, window, unitRows(raw.subarray(0, D), D), unitRows(targets, D)),
  };
}

/** The nearest candidate targets to a unit prediction [D], and the rank of the window's own target among them. */
function nearest(
  { set, part, ranking, places }: Open,
  window: number,
  prediction: Float32Array,
  target: Float32Array,
): Pick<Inspection, 'targetRank' | 'candidates' | 'neighbours'> {
  const { D } = part.source;
  const { ids, targets } = ranking;
  const others = Array.from(ids, (id, row) => ({ id, row, cosine: dot(targets, row, prediction, 0, D) })).filter(
    ({ id }) => id !== window,
  );
  const own = { id: window, row: -1, cosine: dot(target, 0, prediction, 0, D) };
  const all = [own, ...others].toSorted((a, b) => b.cosine - a.cosine);
  const neighbour = ({ id, row, cosine: near }: (typeof all)[number]): Neighbour => ({
    window: id,
    place: places(id),
    cosine: near,
    toTarget: row === -1 ? 1 : dot(targets, row, target, 0, D),
    isTarget: row === -1,
    text: targetText(set, id),
  });
  return {
    targetRank: 1 + others.filter((other) => other.cosine > own.cosine).length,
    candidates: all.length,
    neighbours: all.slice(0, NEIGHBOURS).map(neighbour),
  };
}
