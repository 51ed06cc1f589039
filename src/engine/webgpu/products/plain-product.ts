/**
 * A product with one thread for each value and no tiles, for software adapters: they compile it thirty times faster than a
 * tile, and have no cores that wait for memory.
 */
import { READ, WRITE, type Buffers, type Kernel } from '../kernel.ts';
import type { Operand, TileProduct } from './tiles.ts';

/** Threads of a workgroup, which share a row of the output. */
export const PLAIN_COLUMNS = 64;

/** Run it on M × ⌈N/64⌉ workgroups. */
export function plainKernel(product: Omit<TileProduct, 'shape'>): Kernel {
  const { label, M, N, K, a, b, out, bias, biasOffset } = product;
  const buffers: Buffers = {
    a: READ,
    b: READ,
    out: WRITE,
    ...(bias === 'none' ? {} : { bias: bias === 'added' ? READ : WRITE }),
  };
  const isSummed = bias === 'summed';
  const code = `@compute @workgroup_size(${PLAIN_COLUMNS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let m = group.x;
  let n = group.y * ${PLAIN_COLUMNS}u + lane;
  if (m >= ${M} || n >= ${N}) { return; }
  var sum = 0.0;
  ${isSummed ? 'var bias_sum = 0.0;' : ''}
  for (var k = 0u; k < ${K}; k++) {
    let left = a[${place(a, 'm')}];
    sum = fma(left, b[${place(b, 'n')}], sum);
    ${isSummed ? 'bias_sum += left;' : ''}
  }
  out[${out.start('m')} + n] ${out.accumulate ? '+=' : '='} sum${bias === 'added' ? ` + bias[${biasOffset}u + n]` : ''};
  ${isSummed ? `if (n == 0u) { bias[${biasOffset}u + m] = bias_sum; }` : ''}
}
`;
  return { label, buffers, code };
}

/** WGSL: element of the operand for output index `output` and sum index k. */
function place({ contiguous, start }: Operand, output: string): string {
  return contiguous === 'sum' ? `${start(output)} + k` : `${start('k')} + ${output}`;
}
