/**
 * Dropout by counters: the mask is a hash of seed, step, place of use and element, so it needs no memory and is the same
 * for any number of threads and after a resume.
 */
import { stream } from '../../random.ts';
import { DropoutMask } from '../abi/sequence.ts';
import { HYPER } from '../hyper.ts';
import { FLOAT_BYTES, panelCount, type Matrix } from '../layout.ts';
import type { FloatArgument, Program } from '../program.ts';

/** Masks compare 24 bits of the hash with p·2²⁴. */
const ONE = 2 ** 24;

/** One place where a network drops; each needs a `site` of its own. */
export class Dropout {
  private readonly p: number;
  private readonly site: number;
  private readonly hyper: number;

  constructor(p: number, site: number, hyper: number) {
    this.p = p;
    this.site = site;
    this.hyper = hyper;
  }

  /** Factor of what is kept. */
  scale(program: Program): FloatArgument {
    return { float: program.training ? 1 / (1 - this.p) : 1 };
  }

  /** Arguments of every operation that drops. */
  args(program: Program): Pick<DropoutMask, 'threshold' | 'keepScale' | 'site' | 'hyper'> {
    const threshold = program.training ? Math.round(this.p * ONE) : 0;
    return { threshold, keepScale: this.scale(program), site: this.site, hyper: this.hyper };
  }

  /** y = x ⊙ mask over `rows` rows, also as strip12 where asked for; x may be y. No barrier. */
  apply(program: Program, x: Matrix, y: Matrix, rows: number, strip?: Matrix): void {
    program.add('dropout', DropoutMask, panelCount(rows), {
      x: x.at,
      y: y.at,
      pitch: x.pitch,
      F: x.features,
      strip: strip?.at ?? 0,
      stripPitch: strip?.pitch ?? 0,
      ...this.args(program),
    });
  }
}

/** The two keys of a step, from the run's seed; `hyper` is the address of the hyperparameters. */
export function writeDropoutKeys(view: DataView, hyper: number, seed: number, step: number): void {
  const random = stream(seed, 'dropout', step);
  for (const key of [HYPER.dropoutKey0, HYPER.dropoutKey1]) {
    view.setUint32(hyper + key * FLOAT_BYTES, random.next(), true);
  }
}
