/**
 * Random orthogonal maps, one an article, that move windows to an unseen domain: cosines inside a window
 * are preserved, its position relative to the training data is not. n windows of an article, D width.
 */
import type { Random } from '../../random.ts';

/** How many reflections follow the turn of the mean; each as likely. */
const REFLECTIONS = [0, 0, 2, 8, 32];
const MIXED_VECTORS = 4;

/** A vector [D] of the data, drawn at random. */
export type DrawVector = () => Float32Array;

/**
 * Turns all `arrays` of vectors [n, D] in place by the same map: the direction of `mean` by up to 90° towards a random direction (half the time a random
 * mix of data vectors), then reflections along differences of data vectors.
 */
export function turnAtRandom(
  arrays: readonly Float32Array[],
  mean: Float32Array,
  random: Random,
  draw: DrawVector,
): void {
  const axis = unit(Float64Array.from(mean));
  const angle = (random.uniform() * Math.PI) / 2;
  const other = random.uniform() < 0.5 ? mixOfData(mean.length, random, draw) : normals(mean.length, random);
  const towards = orthogonalUnit(other, axis);
  for (const vectors of arrays) turn(vectors, axis, towards, angle);
  const reflections = REFLECTIONS[random.integer(REFLECTIONS.length)];
  for (let i = 0; i < reflections; i++) {
    const normal = unit(difference(draw(), draw()));
    for (const vectors of arrays) reflect(vectors, normal);
  }
}

function normals(D: number, random: Random): Float64Array {
  return Float64Array.from({ length: D }, () => random.normal());
}

function mixOfData(D: number, random: Random, draw: DrawVector): Float64Array {
  const mix = new Float64Array(D);
  for (let i = 0; i < MIXED_VECTORS; i++) {
    const weight = random.normal();
    const vector = draw();
    for (let d = 0; d < D; d++) mix[d] += weight * vector[d];
  }
  return mix;
}

function difference(a: Float32Array, b: Float32Array): Float64Array {
  const result = new Float64Array(a.length);
  for (let d = 0; d < a.length; d++) result[d] = a[d] - b[d];
  return result;
}

function dotAt(vectors: Float32Array, at: number, axis: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < axis.length; d++) sum += vectors[at + d] * axis[d];
  return sum;
}

/** Scales x in place to unit length. */
function unit(x: Float64Array): Float64Array {
  const norm = Math.sqrt(dot(x, x)) + 1e-9;
  for (let d = 0; d < x.length; d++) x[d] /= norm;
  return x;
}

/** The part of x orthogonal to the unit vector `axis`, in place, at unit length. */
function orthogonalUnit(x: Float64Array, axis: Float64Array): Float64Array {
  const along = dot(x, axis);
  for (let d = 0; d < x.length; d++) x[d] -= along * axis[d];
  return unit(x);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

/** Rotates the plane of the orthonormal `axis` and `other` by `angle`, from `axis` towards `other`. */
function turn(vectors: Float32Array, axis: Float64Array, other: Float64Array, angle: number): void {
  const D = axis.length;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  for (let at = 0; at < vectors.length; at += D) {
    const a = dotAt(vectors, at, axis);
    const b = dotAt(vectors, at, other);
    const alongAxis = (cos - 1) * a - sin * b;
    const alongOther = sin * a + (cos - 1) * b;
    for (let d = 0; d < D; d++) vectors[at + d] += alongAxis * axis[d] + alongOther * other[d];
  }
}

/** Reflects at the hyperplane orthogonal to the unit vector `normal`. */
function reflect(vectors: Float32Array, normal: Float64Array): void {
  for (let at = 0; at < vectors.length; at += normal.length) {
    const twice = 2 * dotAt(vectors, at, normal);
    for (let d = 0; d < normal.length; d++) vectors[at + d] -= twice * normal[d];
  }
}
