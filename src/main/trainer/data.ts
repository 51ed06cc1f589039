/** The windows a run trains and is evaluated on: opened data sets, split, with the proof that nothing leaks. */
import type { Split } from '#engine/trainer/index.ts';
import type { SplitProof } from '#shared/contract/datasets.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { proveSplit } from '../datasets/split/split-proof.ts';
import type { Log } from './log.ts';

export interface RunData {
  readonly train: Split;
  readonly validation: Split;
  /** All windows of the OOD set. */
  readonly ood?: Split;
  readonly proof: SplitProof;
}

/** Warnings of the split go to the log; `onDamage`: vectors on disk turned out to be damaged. */
export async function openData(
  recipe: Recipe,
  { dataset, ood }: { readonly dataset: Dataset; readonly ood: Dataset | null },
  log: Log,
  onDamage: (error: unknown) => void,
): Promise<RunData> {
  const { split, proof } = await proveSplit(dataset, ood, recipe.split, recipe.seed);
  for (const warning of proof.warnings) log('warning', warning);
  const source = await dataset.source(undefined, { onDamage });
  const oodSource = await ood?.source(undefined, { onDamage });
  return {
    train: { source, ids: split.train },
    validation: { source, ids: split.val, articleOf: dataset.windowArticles ?? undefined },
    ood: oodSource && {
      source: oodSource,
      ids: Uint32Array.from({ length: oodSource.windows }, (_, i) => i),
      articleOf: ood?.windowArticles ?? undefined,
    },
    proof,
  };
}
