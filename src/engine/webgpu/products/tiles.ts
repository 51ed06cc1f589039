/**
 * WGSL of out[m, n] = Σ_k a[m, k]·b[k, n] by register-blocked tiles. Eight by eight threads compute a tile of M × N
 * values; each brings blocks of 4 × 4 values of both operands to workgroup memory, a step of K ahead. Where there are few
 * tiles, several slices of 64 threads share the sum over k and add up in a fixed order.
 */
import { READ, READ4, WRITE, WRITE4, type Buffers, type Kernel } from '../kernel.ts';
import type { TileShape } from './tile-shapes.ts';

/** Steps of k in workgroup memory at once. */
const DEPTH = 16;
const DEPTH4 = DEPTH / 4;
const LANES = 64;
const LANE_ROWS = 8;

/** One side of a product. Extents are WGSL expressions of u32. */
export interface Operand {
  /** Whether the values that follow one another in memory are those of one k or of one m or n. */
  readonly contiguous: 'sum' | 'output';
  /** Extent of the other index, and of the contiguous one. */
  readonly rows: string;
  readonly columns: string;
  /** First element of row `row`. */
  readonly start: (row: string) => string;
  /** Rows begin at, and are as long as, multiples of 4 elements. */
  readonly vectorised: boolean;
}

export interface TileProduct {
  readonly label: string;
  readonly shape: TileShape;
  /** Extents as WGSL expressions of u32. */
  readonly M: string;
  readonly N: string;
  readonly K: string;
  readonly a: Operand;
  readonly b: Operand;
  readonly out: { readonly start: (row: string) => string; readonly vectorised: boolean; readonly accumulate: boolean };
  /** Added to each row of out, or written as Σ_k a[m, k]; named `bias`. */
  readonly bias: 'none' | 'added' | 'summed';
  /** Its first element. */
  readonly biasOffset: number;
}

export function tileKernel(product: TileProduct): Kernel {
  const { label, a, b, out, bias } = product;
  const buffers: Buffers = {
    a: a.vectorised ? READ4 : READ,
    b: b.vectorised ? READ4 : READ,
    out: out.vectorised ? WRITE4 : WRITE,
    ...(bias === 'none' ? {} : { bias: bias === 'added' ? READ : WRITE }),
  };
  return { label, buffers, code: codeOf(product) };
}

function times(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join('\n');
}

/** Four values of one row; zero beyond the operand. */
function readFunction(name: 'a' | 'b', { rows, columns, start, vectorised }: Operand): string {
  const four = vectorised
    ? `return ${name}[(${start('row')} + at) / 4u];`
    : `let first = ${start('row')} + at;
  return vec4<f32>(${name}[first], ${[1, 2, 3]
    .map((i) => `select(0.0, ${name}[first + ${i}u], at + ${i}u < ${columns})`)
    .join(', ')});`;
  return `fn read_${name}(row: u32, at: u32) -> vec4<f32> {
  if (row >= ${rows} || at >= ${columns}) { return vec4<f32>(); }
  ${four}
}
`;
}

function codeOf(product: TileProduct): string {
  const { shape, K } = product;
  const { rows, columns, slices } = shape;
  const size = ((rows + columns) * DEPTH) / 4;
  return `${readFunction('a', product.a)}${readFunction('b', product.b)}
var<workgroup> tile: array<vec4<f32>, ${slices * size}>;

@compute @workgroup_size(${LANES * slices})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let slice = index / ${LANES}u;
  let lane = index % ${LANES}u;
  let row = lane / ${LANE_ROWS}u;
  let column = lane % ${LANE_ROWS}u;
  let first_m = group.x * ${rows}u;
  let first_n = group.y * ${columns}u;
  let tile_a = slice * ${size}u;
  let tile_b = tile_a + ${(rows * DEPTH) / 4}u;
  let K = ${K};
  ${accumulators(product)}
  ${blockOf('a', product)}
  ${blockOf('b', product)}
  var k0 = slice * ${DEPTH}u;
  ${loadBlock('a', product)}
  ${loadBlock('b', product)}
  let steps = (K + ${DEPTH * slices - 1}u) / ${DEPTH * slices}u;
  for (var step = 0u; step < steps; step++) {
    workgroupBarrier();
    ${storeBlock('a', product)}
    ${storeBlock('b', product)}
    workgroupBarrier();
    k0 += ${DEPTH * slices}u;
    ${loadBlock('a', product)}
    ${loadBlock('b', product)}
    ${multiply(product)}
  }
  ${slices > 1 ? reduce(product) : ''}
  ${store(product)}
}
`;
}

/** `sums` has the value of row i and columns 4·j to 4·j + 3 of this thread at i·VECTORS + j. */
function accumulators({ shape, bias }: TileProduct): string {
  return `var sums: array<vec4<f32>, ${valuesOf(shape)}>;
  ${bias === 'summed' ? 'var bias_sum = 0.0;' : ''}`;
}

/** Groups of four values of a thread. */
function valuesOf({ rows, columns }: TileShape): number {
  return ((rows / LANE_ROWS) * columns) / 32;
}

/** Blocks of 4 × 4 of an operand's tile: as many lanes load one each; those of b are the last lanes. */
function blockCount(name: 'a' | 'b', { shape }: TileProduct): number {
  return ((name === 'a' ? shape.rows : shape.columns) / 4) * DEPTH4;
}

/** Place of this lane's block: `_k` along k, `_o` along the output; the contiguous one changes fastest. */
function blockOf(name: 'a' | 'b', product: TileProduct): string {
  const count = blockCount(name, product);
  const fastest = product[name].contiguous === 'sum' ? DEPTH4 : count / DEPTH4;
  const block = name === 'a' ? 'lane' : `(lane - ${LANES - count}u)`;
  const [inner, outer] = [`4u * (${block} % ${fastest}u)`, `4u * (${block} / ${fastest}u)`];
  const [k, o] = product[name].contiguous === 'sum' ? [inner, outer] : [outer, inner];
  return `let ${name}_k = ${k};
  let ${name}_o = ${o};
  ${times(4, (i) => `var ${name}${i} = vec4<f32>();`)}`;
}

function loadsBlock(name: 'a' | 'b', product: TileProduct): string {
  const count = blockCount(name, product);
  return name === 'a' ? `lane < ${count}u` : `lane >= ${LANES - count}u`;
}

function loadBlock(name: 'a' | 'b', product: TileProduct): string {
  const origin = name === 'a' ? 'first_m' : 'first_n';
  const read = (i: number) =>
    product[name].contiguous === 'sum'
      ? `${name}${i} = read_${name}(${origin} + ${name}_o + ${i}u, k0 + ${name}_k);`
      : `${name}${i} = read_${name}(k0 + ${name}_k + ${i}u, ${origin} + ${name}_o);`;
  return `if (${loadsBlock(name, product)}) {\n${times(4, read)}\n}`;
}

/** Workgroup memory holds a as [m][k/4] and b as [k][n/4]; a block that lies the other way is transposed. */
function storeBlock(name: 'a' | 'b', product: TileProduct): string {
  const isTransposed = (name === 'a') !== (product[name].contiguous === 'sum');
  const value = (j: number) =>
    isTransposed ? `vec4<f32>(${[0, 1, 2, 3].map((i) => `${name}${i}[${j}]`).join(', ')})` : `${name}${j}`;
  const place = (j: number) =>
    name === 'a'
      ? `tile_a + (a_o + ${j}u) * ${DEPTH4}u + a_k / 4u`
      : `tile_b + (b_k + ${j}u) * ${product.shape.columns / 4}u + b_o / 4u`;
  return `if (${loadsBlock(name, product)}) {\n${times(4, (j) => `tile[${place(j)}] = ${value(j)};`)}\n}`;
}

function multiply({ shape, bias }: TileProduct): string {
  const vectors = shape.columns / 32;
  const sum = `if (group.y == 0u && lane < ${shape.rows}u) {
        bias_sum += dot(tile[tile_a + lane * ${DEPTH4}u + k4], vec4<f32>(1.0));
      }`;
  return `for (var k4 = 0u; k4 < ${DEPTH4}u; k4++) {
      var b_values: array<vec4<f32>, ${4 * vectors}>;
      for (var k = 0u; k < 4u; k++) {
        for (var j = 0u; j < ${vectors}u; j++) {
          b_values[k * ${vectors}u + j] =
            tile[tile_b + (4u * k4 + k) * ${shape.columns / 4}u + column + j * ${LANE_ROWS}u];
        }
      }
      for (var i = 0u; i < ${shape.rows / LANE_ROWS}u; i++) {
        let a_value = tile[tile_a + (row + i * ${LANE_ROWS}u) * ${DEPTH4}u + k4];
        for (var j = 0u; j < ${vectors}u; j++) {
          var sum = sums[i * ${vectors}u + j];
          ${times(4, (k) => `sum = fma(vec4<f32>(a_value[${k}]), b_values[${k * vectors}u + j], sum);`)}
          sums[i * ${vectors}u + j] = sum;
        }
      }
      ${bias === 'summed' ? sum : ''}
    }`;
}

/** Slice 0 adds the sums of the others to its own, in order. */
function reduce({ shape, bias }: TileProduct): string {
  const values = valuesOf(shape);
  const others = shape.slices - 1;
  const isSummed = bias === 'summed';
  const place = `(other * ${values}u + i) * ${LANES}u + lane`;
  const biasPlace = `${others * values * LANES}u + other * ${LANES}u + lane`;
  return `workgroupBarrier();
  if (slice > 0u) {
    let other = slice - 1u;
    for (var i = 0u; i < ${values}u; i++) { tile[${place}] = sums[i]; }
    ${isSummed ? `tile[${biasPlace}].x = bias_sum;` : ''}
  }
  workgroupBarrier();
  if (slice > 0u) { return; }
  for (var other = 0u; other < ${others}u; other++) {
    for (var i = 0u; i < ${values}u; i++) { sums[i] += tile[${place}]; }
    ${isSummed ? `bias_sum += tile[${biasPlace}].x;` : ''}
  }`;
}

function store({ shape, M, N, out, bias, biasOffset }: TileProduct): string {
  const assign = out.accumulate ? '+=' : '=';
  const vectors = shape.columns / 32;
  const each = (line: (k: number) => string) => times(4, line);
  const addBias = each((k) => `if (n + ${k}u < ${N}) { sum[${k}] += bias[${biasOffset + k}u + n]; }`);
  const write = out.vectorised
    ? `if (n < ${N}) { out[(start + n) / 4u] ${assign} sum; }`
    : each((k) => `if (n + ${k}u < ${N}) { out[start + n + ${k}u] ${assign} sum[${k}]; }`);
  return `for (var i = 0u; i < ${shape.rows / LANE_ROWS}u; i++) {
    let m = first_m + row + i * ${LANE_ROWS}u;
    if (m >= ${M}) { break; }
    let start = ${out.start('m')};
    for (var j = 0u; j < ${vectors}u; j++) {
      let n = first_n + 4u * (column + j * ${LANE_ROWS}u);
      var sum = sums[i * ${vectors}u + j];
      ${bias === 'added' ? addBias : ''}
      ${write}
    }
  }
  ${
    bias === 'summed'
      ? `if (group.y == 0u && lane < ${shape.rows}u && first_m + lane < ${M}) { bias[${biasOffset}u + first_m + lane] = bias_sum; }`
      : ''
  }`;
}
