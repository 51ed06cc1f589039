/** Mean cosine of the two baselines that need no fitting, on validation and OOD. B rows, T context length, D width. */
import type { Split } from '#engine/trainer/index.ts';
import { blocks } from '#engine/evaluation/windows.ts';
import type { Baselines } from '#shared/domain/training.ts';

interface Sums {
  contextMean: number;
  lastVector: number;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let d = 0; d < a.length; d++) {
    ab += a[d] * b[d];
    aa += a[d] * a[d];
    bb += b[d] * b[d];
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

function means(split: Split): Sums {
  const { T, D } = split.source;
  const sums: Sums = { contextMean: 0, lastVector: 0 };
  const mean = new Float32Array(D);
  for (const { contexts, targets, B } of blocks(split)) {
    for (let row = 0; row < B; row++) {
      const context = contexts.subarray(row * T * D, (row + 1) * T * D);
      const target = targets.subarray(row * D, (row + 1) * D);
      mean.fill(0);
      for (let i = 0; i < context.length; i++) mean[i % D] += context[i];
      sums.contextMean += cosine(mean, target);
      sums.lastVector += cosine(context.subarray((T - 1) * D), target);
    }
  }
  return { contextMean: sums.contextMean / split.ids.length, lastVector: sums.lastVector / split.ids.length };
}

export function simpleBaselines(validation: Split, ood: Split | undefined): Baselines {
  const val = means(validation);
  const outside = ood && means(ood);
  const figures = (name: keyof Sums) => ({ valCosine: val[name], oodCosine: outside?.[name] ?? null });
  return { contextMean: figures('contextMean'), lastVector: figures('lastVector') };
}
