/**
 * Numbers that change from step to step, in one uniform buffer that every kernel reads as `u`: the only upload of a step
 * beside its window ids.
 */
import { TERMS, type LossConfig, type Term } from '#shared/domain/models/terms.ts';
import { stream } from '../random.ts';
import type { OptimizerConfig } from '../types.ts';

const FIELDS = {
  /** Rows of the batch. */
  B: 'u32',
  /** Keys of the dropout masks of this step; see simd/assembly/dropout.ts. */
  dropoutKey0: 'u32',
  dropoutKey1: 'u32',
  tau: 'f32',
  marginDirectional: 'f32',
  marginAntiCopy: 'f32',
  varianceTarget: 'f32',
  /** 1 − lr·weightDecay. */
  decay: 'f32',
  /** lr·√(1 − β₂ˢ)/(1 − β₁ˢ) at step s. */
  stepSize: 'f32',
  /** ε·√(1 − β₂ˢ). */
  eps: 'f32',
  beta1: 'f32',
  beta2: 'f32',
  /** 1 − β₁ and 1 − β₂, rounded once. */
  keep1: 'f32',
  keep2: 'f32',
  /** Largest global norm of the gradient; 0: no clipping. */
  clip: 'f32',
} as const;

type Field = keyof typeof FIELDS;
/** Type of each number, in the order of memory. */
const TYPES = new Map<string, string>([
  ...Object.entries(FIELDS),
  ...TERMS.map((term): [string, string] => [lambda(term), 'f32']),
]);
const NAMES = [...TYPES.keys()];
const WORDS = Math.ceil(NAMES.length / 4) * 4;
export const UNIFORM_BYTES = WORDS * 4;

/** Name of λ of a term in WGSL. */
export function lambda(term: Term): string {
  return `lambda_${term}`;
}

/** WGSL declaration of the block; binding 0 of every kernel. */
export const UNIFORMS_WGSL = `struct Uniforms { ${Array.from(TYPES, ([name, type]) => `${name}: ${type}`).join(', ')} }
@group(0) @binding(0) var<uniform> u: Uniforms;
`;

export class Uniforms {
  readonly bytes = new ArrayBuffer(UNIFORM_BYTES);
  private readonly view = new DataView(this.bytes);

  setBatch(B: number): void {
    this.set('B', B);
  }

  setLoss(loss: LossConfig): void {
    for (const term of TERMS) this.setFloat(lambda(term), loss.weights[term]);
    this.set('tau', loss.tau);
    this.set('marginDirectional', loss.marginDirectional);
    this.set('marginAntiCopy', loss.marginAntiCopy);
    this.set('varianceTarget', loss.varianceTarget);
  }

  /** 1-based step. */
  setOptimizer({ beta1, beta2, eps, weightDecay, clip }: OptimizerConfig, lr: number, step: number): void {
    const root = Math.sqrt(1 - beta2 ** step);
    this.set('decay', 1 - lr * weightDecay);
    this.set('stepSize', (lr * root) / (1 - beta1 ** step));
    this.set('eps', eps * root);
    this.set('beta1', beta1);
    this.set('beta2', beta2);
    this.set('keep1', 1 - beta1);
    this.set('keep2', 1 - beta2);
    this.set('clip', clip);
  }

  setDropout(seed: number, step: number): void {
    const random = stream(seed, 'dropout', step);
    this.set('dropoutKey0', random.next());
    this.set('dropoutKey1', random.next());
  }

  private set(name: Field, value: number): void {
    if (FIELDS[name] === 'u32') this.view.setUint32(NAMES.indexOf(name) * 4, value, true);
    else this.setFloat(name, value);
  }

  private setFloat(name: string, value: number): void {
    this.view.setFloat32(NAMES.indexOf(name) * 4, value, true);
  }
}
