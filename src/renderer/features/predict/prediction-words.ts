/** Text and table rows of a prediction. Pure. */
import type { PredictedRow, PredictionResult } from '#shared/contract/inference.ts';
import type { Place } from '#shared/contract/places.ts';
import { historyName, inputLabel } from '#shared/domain/datasets/task.ts';
import { figure, listed, percent, signed } from '#shared/domain/figures.ts';
import type { PART_KINDS } from '#shared/domain/models/gram.ts';
import { modelRow, type ModelType } from '#shared/domain/models/models.ts';
import { formatCount, plural } from '../../ui/text/format.ts';

/** "article 12, chunk 340", as far as the file says it, else the number of the vector. */
export function placeWords({ vector, article, chunk }: Place): string {
  const parts = [article === null ? '' : `article ${article}`, chunk === null ? '' : `chunk ${formatCount(chunk)}`];
  return parts.filter(Boolean).join(', ') || `vector ${formatCount(vector)}`;
}

export function rowWords({ row, place, context }: PredictedRow): string {
  if (context === null) return `Row ${formatCount(row)}`;
  const where = place ? ` · article ${place.article}, window ${place.index + 1} of ${place.of}` : '';
  return `Window ${formatCount(row)}${where}`;
}

/** Why no attention is shown. */
export function noAttention(model: ModelType): string {
  return modelRow(model).attention === 'none' ? 'none' : 'not measured';
}

export interface ContextRow {
  readonly label: string;
  /** Empty: of a file, or an input of history, which is a mean of many chunks. */
  readonly place: string;
  /** Attention, or of a Gram mixture the share of the prediction. null: none; `weightText` says why. */
  readonly weight: number | null;
  readonly weightText: string;
  readonly cosine: string;
  readonly text: string | null;
}

type Model = Pick<PredictionResult, 'modelType' | 'task'>;

/** The inputs of the model, first one first. */
export function contextRows(row: PredictedRow, { modelType, task }: Model): ContextRow[] {
  const { contextCosines, attention, context, parts } = row;
  const T = contextCosines.length;
  const weights = attention ?? parts?.filter(({ kind }) => kind === 'context').map(({ share }) => share);
  return contextCosines.map((cosine, t) => {
    const weight = weights?.[t] ?? null;
    return {
      label: inputLabel(t, T, task),
      place: context && historyName(t, task) === null ? placeWords(context[t]) : '',
      weight,
      weightText: weight === null ? noAttention(modelType) : percent(weight, 1),
      cosine: figure(cosine, 3),
      text: context?.[t].text ?? null,
    };
  });
}

export interface ShownBaseline {
  readonly label: string;
  readonly value: string;
  /** Lift of the model over the baseline. */
  readonly lift: number | null;
  readonly note: string;
}

export function baselineFigures({ targetCosine, baselines }: PredictedRow): ShownBaseline[] {
  const names = [
    ['Mean of context', baselines.contextMean],
    ['Last vector', baselines.lastVector],
  ] as const;
  return names.map(([label, cosine]) => {
    const lift = targetCosine === null || cosine === null ? null : targetCosine - cosine;
    return { label, value: figure(cosine), lift, note: lift === null ? '' : `model ${signed(lift)}` };
  });
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** "20 rows: mean cosine 0.4012, mean of context 0.4310, last vector 0.3902" */
export function summaryWords({ rows }: PredictionResult): string {
  const cosine = mean(rows.map((row) => row.targetCosine));
  if (cosine === null) return `${formatCount(rows.length)} rows without a target`;
  const contextMean = mean(rows.map((row) => row.baselines.contextMean));
  const lastVector = mean(rows.map((row) => row.baselines.lastVector));
  return `${formatCount(rows.length)} rows: mean cosine ${figure(cosine)}, mean of context ${figure(contextMean)}, last vector ${figure(lastVector)}`;
}

type PartKind = (typeof PART_KINDS)[number];
type Parts = NonNullable<PredictedRow['parts']>;

interface GroupText {
  readonly kinds: readonly PartKind[];
  readonly title: string;
  /** "… is the context itself" */
  readonly main: string;
  /** "… adds 20 %", "… add 20 %" */
  readonly subject: string;
  readonly isPlural: boolean;
  readonly what: string;
}

const GROUPS: readonly GroupText[] = [
  {
    kinds: ['context'],
    title: 'Context',
    main: 'the context itself',
    subject: 'the context itself',
    isPlural: false,
    what: 'The vectors of the context as they are, x 1 the first, and the means of what precedes it where the data has history.',
  },
  {
    kinds: ['filteredSkip', 'filteredLast'],
    title: 'Filtered context',
    main: 'the filtered context',
    subject: 'the filtered context',
    isPlural: false,
    what: 'The weighted mean of the context (skip) and its last vector, reduced to the directions that carry topics in the training set; the larger ν, the fewer.',
  },
  {
    kinds: ['ridge', 'pooledRidge'],
    title: 'Learned maps',
    main: 'learned maps',
    subject: 'learned maps',
    isPlural: true,
    what: 'How what follows usually differs from such a context in the training set; the larger λ, the more cautious.',
  },
  {
    kinds: ['neighbours'],
    title: 'Neighbours',
    main: 'what followed similar training passages',
    subject: 'similar training passages',
    isPlural: true,
    what: 'What followed the training passages most similar to this context, averaged.',
  },
  {
    kinds: ['mean'],
    title: 'Corpus mean',
    main: 'the corpus mean',
    subject: 'the corpus mean',
    isPlural: false,
    what: 'The mean of everything that was to be predicted in the training set.',
  },
  {
    kinds: ['extra'],
    title: 'Other models',
    main: 'other models',
    subject: 'other models',
    isPlural: true,
    what: 'Predictions of earlier runs.',
  },
];

/** Smaller shares are summed up as "others". */
const SHOWN_SHARE = 0.01;
/** Smaller shares of a group are not in the sentence. */
const SPOKEN_SHARE = 0.05;

export interface ShownShare {
  readonly label: string;
  /** Of the prediction; negative: it points away from it. */
  readonly share: number;
  readonly text: string;
}

export interface ShareGroup extends ShownShare {
  readonly what: string;
  /** Largest first, then others; empty: the group has one part, or none worth a line. */
  readonly parts: readonly ShownShare[];
}

const sum = (parts: readonly { readonly share: number }[]) => parts.reduce((total, { share }) => total + share, 0);
const bySize = (a: { readonly share: number }, b: { readonly share: number }) => b.share - a.share;
const isShown = ({ share }: { readonly share: number }) => Math.abs(share) >= SHOWN_SHARE;

function shown(label: string, share: number): ShownShare {
  // No "−0 %".
  return { label, share, text: percent(Math.round(100 * share) / 100 || 0) };
}

/** The parts of a mixture by kind, the largest share first; kinds of which no part has 1 % are others. */
export function shareGroups(parts: Parts): ShareGroup[] {
  const groups = present(parts).map(({ title, what, own }) => {
    const [large, small] = [own.filter(isShown), own.filter((part) => !isShown(part))];
    const lines = large.toSorted(bySize).map(({ name, share }) => shown(name, share));
    const others = small.length === 0 ? [] : [shown(plural(small.length, 'other'), sum(small))];
    const isDetailed = own.length > 1 && large.length > 0;
    return { ...shown(title, sum(own)), what, large: large.length, parts: isDetailed ? [...lines, ...others] : [] };
  });
  const [worth, rest] = [groups.filter(({ large }) => large > 0), groups.filter(({ large }) => large === 0)];
  if (rest.length === 0) return worth.toSorted(bySize);
  const what = `${listed(rest.map(({ label }) => label.toLowerCase()))}: each part is below 1 %.`;
  const others: ShareGroup = {
    ...shown('Others', sum(rest)),
    what: `${what[0].toUpperCase()}${what.slice(1)}`,
    parts: [],
  };
  return [...worth.toSorted(bySize), others];
}

function present(parts: Parts) {
  return GROUPS.map((group) => ({ ...group, own: parts.filter(({ kind }) => group.kinds.includes(kind)) })).filter(
    ({ own }) => own.length > 0,
  );
}

/** "61 % of this prediction is the context itself, most of it x 5; similar training passages add 20 %." */
export function mixtureSentence(parts: Parts): string {
  const groups = present(parts)
    .map((group) => ({ ...group, share: sum(group.own) }))
    .toSorted(bySize);
  const [lead, ...others] = groups;
  const spoken = others.filter(({ share }) => Math.abs(share) >= SPOKEN_SHARE);
  const clauses = spoken.map(({ subject, isPlural, share }) => {
    const amount = percent(Math.abs(share));
    return share > 0
      ? `${subject} ${isPlural ? 'add' : 'adds'} ${amount}`
      : `${subject} ${isPlural ? 'take' : 'takes'} ${amount} away`;
  });
  const rest = spoken.length === 0 ? ['nothing else has 5 %'] : clauses;
  return `${[`${percent(lead.share)} of this prediction is ${lead.main}${mostOf(lead)}`, ...rest].join('; ')}.`;
}

/** ", most of it x 5" */
function mostOf({ own, share }: { readonly own: Parts; readonly share: number }): string {
  if (own.length < 2) return '';
  const [first] = own.toSorted(bySize);
  return `, ${first.share > share / 2 ? 'most of it' : 'above all'} ${first.name}`;
}
