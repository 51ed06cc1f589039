/** Sums over rows and dimensions: all that a step reports of its losses, in 16 floats. */
import type { Program } from '../program.ts';
import { READ, WRITE, type Kernel } from '../kernel.ts';
import { DIMENSION_VECTORS, ROW_VECTORS, columnGroups, type LossSizes, type LossTensors } from './layout.ts';
import { sumFunction } from './reduce.ts';

/** At most; a power of two. */
const MAX_THREADS = 256;
const buffers = { rows: READ, dimensions: READ, figures: WRITE };

function sums({ D, maxB }: LossSizes): Kernel<typeof buffers> {
  const items = Math.max(maxB, columnGroups(D));
  const threads = Math.min(MAX_THREADS, Math.max(32, 2 ** Math.ceil(Math.log2(items))));
  const four = (value: (k: number) => string) => `vec4<f32>(${[0, 1, 2, 3].map(value).join(', ')})`;
  const rowSum = (vector: number) => `{
    var sum = vec4<f32>();
    for (var b = index; b < u.B; b += ${threads}u) {
      sum += ${four((k) => `rows[${(4 * vector + k) * maxB}u + b]`)};
    }
    write(${vector}u, sum4(sum, index), index);
  }`;
  const dimensionSum = (vector: number) => `{
    var sum = vec4<f32>();
    for (var i = index; i < ${columnGroups(D)}u; i += ${threads}u) {
      sum += ${four((k) => `dimensions[${4 * DIMENSION_VECTORS}u * i + ${4 * vector + k}u]`)};
    }
    write(${ROW_VECTORS + vector}u, sum4(sum, index), index);
  }`;
  const vectors = (count: number, sum: (vector: number) => string) =>
    Array.from({ length: count }, (_, vector) => sum(vector)).join('\n  ');
  const code = `${sumFunction('sum4', 'vec4<f32>', threads)}
fn write(vector: u32, sum: vec4<f32>, index: u32) {
  if (index < 4u) { figures[4u * vector + index] = sum[index]; }
}

@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) index: u32) {
  ${vectors(ROW_VECTORS, rowSum)}
  ${vectors(DIMENSION_VECTORS, dimensionSum)}
}
`;
  return { label: 'loss figures', buffers, code };
}

export function addFigures(program: Program, tensors: LossTensors, sizes: LossSizes): void {
  program.add(sums(sizes), tensors, () => [1]);
}
