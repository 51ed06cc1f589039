/** Draws the split of a recipe and proves that nothing leaks; used by the trainer and the preflight. */
import type { SplitProof } from '#shared/contract/datasets.ts';
import type { Split } from '#shared/domain/recipe/recipe.ts';
import type { Dataset } from '../dataset.ts';
import { countOverlap } from './overlap.ts';
import { proveNoLeak, splitDataset, vectorsOf, type DatasetSplit } from './split.ts';

export interface ProvenSplit {
  readonly split: DatasetSplit;
  readonly proof: SplitProof;
}

/** A leak into the OOD set does not spoil the split, it makes the OOD figures too good: a warning, not `ok: false`. */
export async function proveSplit(
  dataset: Dataset,
  ood: Dataset | null,
  recipeSplit: Split,
  seed: number,
  signal?: AbortSignal,
): Promise<ProvenSplit> {
  const split = splitDataset(dataset, recipeSplit, seed);
  const leak = proveNoLeak(dataset, split.train, split.val);
  const overlap = ood && (await countOverlap(dataset, ood, vectorsOf(dataset, split.train), signal));
  const warnings = split.warnings.map(({ message }) => message);
  if (overlap && overlap.sharedVectors > 0) {
    warnings.push(
      `${overlap.sharedVectors} vectors of the OOD set are also in training windows; its figures are too good.`,
    );
  }
  const proof: SplitProof = {
    trainWindows: split.train.length,
    valWindows: split.val.length,
    trainArticles: leak.trainArticles ?? split.trainGroups,
    valArticles: leak.valArticles ?? split.valGroups,
    sharedArticles: leak.sharedArticles,
    sharedVectors: leak.sharedVectors,
    oodSharedVectors: overlap?.sharedVectors ?? null,
    ok: leak.ok,
    warnings,
  };
  return { split, proof };
}
