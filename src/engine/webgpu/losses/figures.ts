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
  const code = `${sumFunction('sum4', 'vec4<f32>', threads)}
@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) index: u32) {
  for (var vector = 0u; vector < ${ROW_VECTORS + DIMENSION_VECTORS}u; vector++) {
    var sum = vec4<f32>();
    if (vector < ${ROW_VECTORS}u) {
      for (var b = index; b < u.B; b += ${threads}u) {
        let at = 4u * vector * ${maxB}u + b;
        sum += ${four((k) => `rows[at + ${k * maxB}u]`)};
      }
    } else {
      for (var i = index; i < ${columnGroups(D)}u; i += ${threads}u) {
        let at = ${4 * DIMENSION_VECTORS}u * i + 4u * (vector - ${ROW_VECTORS}u);
        sum += ${four((k) => `dimensions[at + ${k}u]`)};
      }
    }
    sum = sum4(sum, index);
    if (index < 4u) { figures[4u * vector + index] = sum[index]; }
  }
}
`;
  return { label: 'loss figures', buffers, code };
}

export function addFigures(program: Program, tensors: LossTensors, sizes: LossSizes): void {
  program.add(sums(sizes), tensors, () => [1]);
}
