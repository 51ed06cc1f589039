/**
 * Dropout by counters: the mask is a hash of seed, step, place of use and element, so it needs no memory and comes back
 * after a resume. The masks are those of the simd engine: simd/assembly/dropout.ts.
 */
import type { Program } from '../program.ts';

/** Masks compare 24 bits of the hash with p·2²⁴. */
const ONE = 2 ** 24;

const HASH_WGSL = `fn hash32(value: u32) -> u32 {
  var x = value;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}
`;

function product32(a: number, b: number): string {
  return `${Math.imul(a, b) >>> 0}u`;
}

/** One place where a network drops; each needs a `site` of its own. */
export class Dropout {
  private readonly p: number;
  private readonly site: number;

  constructor(p: number, site: number) {
    this.p = p;
    this.site = site;
  }

  /** Factor of what is kept. */
  scale({ training }: Program): number {
    return training ? 1 / (1 - this.p) : 1;
  }

  /** WGSL `keep(element)`: the factor of an element, 0 or `scale`. */
  element(program: Program): string {
    const threshold = program.training ? Math.round(this.p * ONE) : 0;
    if (threshold === 0) return 'fn keep(element: u32) -> f32 { return 1.0; }\n';
    return `${HASH_WGSL}fn keep(element: u32) -> f32 {
  let key0 = hash32(u.dropoutKey0 + ${product32(this.site, 0x9e3779b9)});
  let key1 = hash32(u.dropoutKey1 ^ ${product32(this.site, 0x85ebca6b)});
  return select(0.0, ${this.scale(program)}, (hash32(hash32(element + key0) ^ key1) >> 8u) >= ${threshold}u);
}
`;
  }

  /**
   * WGSL `keep_at(b, t, f)`: the factor of feature f of F of row b at step t. Elements are numbered as in simd's panels of
   * eight rows, step after step.
   */
  sequence(program: Program, F: number): string {
    return `${this.element(program)}fn keep_at(b: u32, t: u32, f: u32) -> f32 {
  return keep(((t * ((u.B + 7u) / 8u) + b / 8u) * ${F}u + f) * 8u + b % 8u);
}
`;
  }
}
