/** The figures of a passport, once: label, meaning, format, group. Used by the passport and by two of them side by side. */
import type { Dataset } from '#shared/contract/datasets.ts';
import { HISTORY_INPUTS } from '#shared/domain/datasets/task.ts';
import { formatBytes, formatCosine, formatCount, formatFigure, formatShare } from '../../ui/text/format.ts';

export interface PassportFigure {
  readonly label: string;
  readonly help: string;
  readonly value: (dataset: Dataset) => number | null;
  readonly format: (value: number | null) => string;
  /** Small print under the number. */
  readonly note?: (dataset: Dataset) => string | undefined;
  /** A number that deserves attention. */
  readonly tone?: (dataset: Dataset) => 'good' | 'warn' | undefined;
}

export interface FigureGroup {
  readonly title: string;
  readonly figures: readonly PassportFigure[];
}

const warnAbove0 = (value: number | null) => (value !== null && value > 0 ? ('warn' as const) : undefined);

const SIZE: FigureGroup = {
  title: 'Size',
  figures: [
    {
      label: 'Windows',
      help: 'Context and target pairs to train on, of all splits.',
      value: (d) => d.windows,
      format: formatCount,
      note: (d) => (d.passport.kind === 'chunks' ? 'built from chunks' : 'as in the file'),
    },
    {
      label: 'Vectors',
      help: 'Distinct vectors stored; windows refer to them, so each is kept once.',
      value: (d) => d.vectors,
      format: formatCount,
      note: (d) => formatBytes(d.storedBytes),
    },
    {
      label: 'Context length',
      help: 'T: how many vectors stand before a target. History adds two: the mean of the article so far, and of the last chunks before the window.',
      value: (d) => d.T,
      format: formatCount,
      note: ({ passport: { T, history } }) =>
        history === null ? undefined : `${T - HISTORY_INPUTS} chunks, history ${history}`,
    },
    {
      label: 'Width',
      help: 'D: how many numbers a vector has.',
      value: (d) => d.D,
      format: formatCount,
    },
    {
      label: 'Articles',
      help: 'Splits go by article, so that neighbours stay on one side.',
      value: (d) => d.passport.articles,
      format: formatCount,
      note: ({ passport: { articleRange } }) =>
        articleRange ? `${formatCount(articleRange[0])} to ${formatCount(articleRange[1])}` : 'the file does not say',
    },
    {
      label: 'Duplicates',
      help: 'Sequences (chunk files: vectors) that stand a second time.',
      value: (d) => d.passport.duplicates,
      format: formatCount,
    },
    {
      label: 'Crossings',
      help: 'Windows that reach over the boundary of an article.',
      value: (d) => d.passport.crossings,
      format: formatCount,
      tone: (d) => warnAbove0(d.passport.crossings),
    },
  ],
};

const VECTORS: FigureGroup = {
  title: 'Vectors',
  figures: [
    {
      label: 'Norm',
      help: 'Mean length of the vectors; cosines and losses expect 1.',
      value: (d) => d.passport.norm.mean,
      format: (v) => formatFigure(v),
      note: ({ passport: { norm } }) => `${formatFigure(norm.min)} to ${formatFigure(norm.max)}`,
    },
    {
      label: 'Spread of values',
      help: 'Standard deviation over all numbers; 1/√D when the vectors are unit and centred.',
      value: (d) => d.passport.value.std,
      format: (v) => formatFigure(v, 5),
      note: (d) => `1/√D is ${formatFigure(1 / Math.sqrt(d.D), 5)}`,
    },
    {
      label: 'Mean of values',
      help: 'Mean over all numbers; near 0 unless the vectors share a direction.',
      value: (d) => d.passport.value.mean,
      format: (v) => formatFigure(v, 3),
    },
    {
      label: 'Zero rows',
      help: 'Vectors that are zero throughout; they have no direction to predict.',
      value: (d) => d.passport.zeroRows,
      format: formatCount,
      tone: (d) => warnAbove0(d.passport.zeroRows),
    },
    {
      label: 'Non-unit rows',
      help: 'Vectors whose norm is more than 0.001 from 1.',
      value: (d) => d.passport.nonUnitRows,
      format: formatCount,
      tone: (d) => warnAbove0(d.passport.nonUnitRows),
    },
  ],
};

const COHERENCE: FigureGroup = {
  title: 'Coherence',
  figures: [
    {
      label: 'Mean',
      help: 'Mean cosine of neighbouring vectors inside an article: how much a text stays with its subject.',
      value: (d) => d.passport.coherence.mean,
      format: formatCosine,
    },
    {
      label: 'p10',
      help: 'A tenth of the neighbours are less alike than this.',
      value: (d) => d.passport.coherence.p10,
      format: formatCosine,
    },
    {
      label: 'Median',
      help: 'Half of the neighbours are less alike than this.',
      value: (d) => d.passport.coherence.p50,
      format: formatCosine,
    },
    {
      label: 'p90',
      help: 'A tenth of the neighbours are more alike than this.',
      value: (d) => d.passport.coherence.p90,
      format: formatCosine,
    },
    {
      label: 'Below 0.30',
      help: 'Share of the neighbours that are hardly alike; what comes next is hard to tell there.',
      value: (d) => d.passport.coherence.shareBelow030,
      format: (v) => formatShare(v),
    },
  ],
};

export const SIZE_GROUP = SIZE;
export const VECTOR_GROUP = VECTORS;
export const COHERENCE_GROUP = COHERENCE;
export const FIGURE_GROUPS: readonly FigureGroup[] = [SIZE, VECTORS, COHERENCE];
