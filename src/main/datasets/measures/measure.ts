/** Builds the passport of imported data: figures from `passport.ts`, and the warnings they imply. */
import type { DataWarning, Passport } from '#shared/domain/datasets/passport.ts';
import type { ReadData } from '../import/read-data.ts';
import {
  chunkCosines,
  coherenceOf,
  countDuplicateWindows,
  countVectors,
  rowFigures,
  windowChecksum,
  windowCosines,
  type MeasureOptions,
} from './passport.ts';
import type { VectorReader } from '../vector-reader.ts';
import type { VectorSums } from '../vector-store.ts';

/** Everything is measured on the main split (`train` where the file has two). */
export async function measurePassport(
  data: ReadData,
  sums: VectorSums,
  reader: VectorReader,
  sha256: string,
  options: MeasureOptions,
): Promise<Passport> {
  const { T, chunks } = data;
  const windows = data.index.length / (T + 1);
  const main = data.splits[0];
  const index = data.index.subarray(main.first * (T + 1), (main.first + main.count) * (T + 1));
  const rows = chunks ? chunks.ids : index;
  const times = countVectors(rows, reader.vectors);
  const cosines = await windowCosines(reader, index, T, sums.squares, options);
  const neighbours = chunks
    ? await chunkCosines(reader, chunks.ids, chunks.articles, sums.squares, { signal: options.signal })
    : cosines.neighbours;
  const labels = mainArticles(data);
  const measured: Omit<Passport, 'warnings'> = {
    kind: chunks ? 'chunks' : 'windows',
    rows: chunks ? chunks.ids.length : windows,
    windows,
    T,
    history: data.history,
    D: reader.D,
    vectors: reader.vectors,
    articles: labels?.length ?? null,
    articleRange: labels ? [labels.reduce((a, b) => Math.min(a, b)), labels.reduce((a, b) => Math.max(a, b))] : null,
    ...rowFigures(sums, times, reader.D),
    duplicates: chunks ? chunks.ids.length - data.fileVectors : countDuplicateWindows(index, T),
    coherence: coherenceOf(neighbours),
    positionToTarget: cosines.positionToTarget,
    crossings: data.crossings,
    splits: data.splits.length > 1 ? Object.fromEntries(data.splits.map((s) => [s.name, s.count])) : null,
    sha256,
    checksum: windowChecksum(index, T, sums.sum),
  };
  return { ...measured, warnings: [...data.warnings, ...figureWarnings(measured, overlap(data))] };
}

/** Article numbers that occur in the main split. */
function mainArticles(data: ReadData): Float64Array | null {
  if (!data.articleLabels) return null;
  if (data.chunks) return data.articleLabels;
  const { windowArticles, articleLabels, splits } = data;
  const used = new Set(windowArticles?.subarray(splits[0].first, splits[0].first + splits[0].count));
  return articleLabels.filter((_, article) => used.has(article));
}

/** Windows of the second split that share a vector with the first. */
function overlap(data: ReadData): number {
  const [first, second] = data.splits;
  if (!second) return 0;
  const width = data.T + 1;
  const seen = new Uint8Array(data.vectorArticles.length);
  for (let i = first.first * width; i < (first.first + first.count) * width; i++) seen[data.index[i]] = 1;
  let windows = 0;
  for (let w = second.first; w < second.first + second.count; w++) {
    if (data.index.subarray(w * width, (w + 1) * width).some((id) => seen[id] === 1)) windows++;
  }
  return windows;
}

function figureWarnings(passport: Omit<Passport, 'warnings'>, overlapping: number): DataWarning[] {
  const { zeroRows, nonUnitRows, duplicates, crossings, norm, kind } = passport;
  const unit = kind === 'chunks' ? 'chunks' : 'sequences';
  const candidates: DataWarning[] = [
    { code: 'ZERO_ROWS', count: zeroRows, message: `${zeroRows} vectors are zero throughout; they have no direction.` },
    {
      code: 'NOT_UNIT',
      count: nonUnitRows,
      message: `${nonUnitRows} vectors are not of unit length (mean norm ${norm.mean?.toPrecision(4)}); cosines hold, MSE figures are not comparable.`,
    },
    { code: 'DUPLICATES', count: duplicates, message: `${duplicates} ${unit} repeat an earlier one exactly.` },
    {
      code: 'CROSSINGS',
      count: crossings ?? 0,
      message: `${crossings} windows cross the boundary of an article: their target belongs to another text than their context.`,
    },
    {
      code: 'SPLITS_OVERLAP',
      count: overlapping,
      message: `${overlapping} validation windows of the file share vectors with its training windows, so its validation figures leak.`,
    },
  ];
  return candidates.filter((warning) => warning.count > 0);
}
