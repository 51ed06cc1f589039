/** The dropout masks in plain integers: what assembly/layers/dropout.ts computes four at a time. */

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Factor of element `index` of a site: 0, or 1/(1 − p). `keys` are the step's two keys. */
export function dropoutFactor(keys: readonly [number, number], site: number, index: number, p: number): number {
  const first = mix((keys[0] + Math.imul(site, 0x9e3779b9)) >>> 0);
  const second = mix((keys[1] ^ Math.imul(site, 0x85ebca6b)) >>> 0);
  const hash = mix(mix((index + first) >>> 0) ^ second);
  return hash >>> 8 >= Math.round(p * 2 ** 24) ? 1 / (1 - p) : 0;
}

/** Number of feature f of row r in a sequence's panels of F features: where its mask is drawn. */
export function panelElement(r: number, f: number, F: number): number {
  return ((r >> 3) * F + f) * 8 + (r & 7);
}
