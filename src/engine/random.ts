/**
 * Seeded random numbers: xoshiro128** (Blackman & Vigna 2018) seeded through SplitMix32. Every random choice of a run
 * derives from one recorded seed through `stream(seed, purpose)`; the state is four uint32 and goes into checkpoints.
 */
export class Random {
  private readonly s: Uint32Array;

  constructor(seed: number) {
    this.s = new Uint32Array(4);
    let x = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.s[i] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  /** Next uint32. */
  next(): number {
    const s = this.s;
    const m = Math.imul(s[1], 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** Uniform in [0, 1) with 24 bits. */
  uniform(): number {
    return (this.next() >>> 8) * 2 ** -24;
  }

  /** Uniform integer in [0, n), n ≤ 2^32, without modulo bias (Lemire's rejection on 64-bit products would need BigInt; this rejects on the low band). */
  integer(n: number): number {
    const limit = 2 ** 32 - remainder(2 ** 32, n);
    let x = this.next();
    while (x >= limit) x = this.next();
    return remainder(x, n);
  }

  /** The next `into.length` values of `integer(n)`, in a third of the time. */
  integers(n: number, into: Uint32Array): void {
    const limit = 2 ** 32 - remainder(2 ** 32, n);
    let [s0, s1, s2, s3] = this.s;
    for (let i = 0; i < into.length;) {
      const m = Math.imul(s1, 5);
      const x = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
      const t = s1 << 9;
      s2 ^= s0;
      s3 ^= s1;
      s1 ^= s2;
      s0 ^= s3;
      s2 ^= t;
      s3 = (s3 << 11) | (s3 >>> 21);
      if (x < limit) into[i++] = remainder(x, n);
    }
    this.s.set([s0, s1, s2, s3]);
  }

  /** Standard normal (Box-Muller, one value a call). */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Fisher-Yates, in place. */
  shuffle(ids: Uint32Array): void {
    for (let i = ids.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const t = ids[i];
      ids[i] = ids[j];
      ids[j] = t;
    }
  }

  /** The four state words, for a checkpoint. */
  get state(): number[] {
    return Array.from(this.s);
  }

  set state(words: readonly number[]) {
    this.s.set(words);
  }
}

/**
 * x % n for whole numbers 0 ≤ x ≤ 2^32, 0 < n ≤ 2^32; several times as fast where x exceeds 31 bits. Exact: the rounding
 * error of x/n is below 1/n, its least distance to the next integer.
 */
function remainder(x: number, n: number): number {
  return x - Math.floor(x / n) * n;
}

/** What a run draws random numbers for; each purpose has a stream of its own, so that adding one changes no other. */
export type RandomPurpose =
  | 'split'
  | 'init'
  | 'shuffle'
  | 'dropout'
  | 'probe'
  | 'evaluation'
  | 'bootstrap'
  | 'sweep'
  | 'clusters'
  | 'sample'
  | 'isometry'
  | 'augment';

/** An independent stream for one purpose (and optional index, e.g. the epoch) of a run's seed. */
export function stream(seed: number, purpose: RandomPurpose, index = 0): Random {
  let h = 0x811c9dc5 ^ (seed >>> 0);
  for (const c of `${purpose}:${index}`) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193);
  h = Math.imul(h ^ Math.floor(seed / 2 ** 32), 0x01000193);
  return new Random(h >>> 0);
}
