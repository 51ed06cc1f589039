/** WGSL that combines one value of each thread of a workgroup, always in the same order. Call it in uniform control flow. */

/** `fn <name>(value, lane) -> type`: the sum over a workgroup of `threads`, a power of two, for all of them. */
export function sumFunction(name: string, type: 'f32' | 'vec2<f32>' | 'vec4<f32>', threads: number): string {
  return combineFunction(name, type, { threads, stride: 1, combine: (a, b) => `${a} + ${b}` });
}

/** The same for the largest value. */
export function maxFunction(name: string, threads: number): string {
  return combineFunction(name, 'f32', { threads, stride: 1, combine: (a, b) => `max(${a}, ${b})` });
}

interface Combination {
  readonly threads: number;
  /** Threads whose numbers are equal modulo this combine their values; 1: all do. */
  readonly stride: number;
  readonly combine: (a: string, b: string) => string;
}

export function combineFunction(name: string, type: string, { threads, stride, combine }: Combination): string {
  return `var<workgroup> ${name}_values: array<${type}, ${threads}>;
fn ${name}(value: ${type}, lane: u32) -> ${type} {
  ${name}_values[lane] = value;
  for (var half = ${threads / 2}u; half >= ${stride}u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { ${name}_values[lane] = ${combine(`${name}_values[lane]`, `${name}_values[lane + half]`)}; }
  }
  workgroupBarrier();
  let result = ${name}_values[lane % ${stride}u];
  workgroupBarrier();
  return result;
}
`;
}
