/** One thread of the simd kernels for tests of single operations: lay out, fill, run, read back. */
import { resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import { CONTROL_BYTES, CONTROL_WIDE } from '#engine/simd/abi/control.ts';
import { HYPER_WORDS } from '#engine/simd/hyper.ts';
import { instantiateKernels, type KernelInstance } from '#engine/simd/runtime/instance.ts';
import { Arena, type Matrix } from '#engine/simd/layout.ts';
import { Program } from '#engine/simd/program.ts';
import { kernelFile, VARIANTS, type Variant } from '#engine/simd/runtime/variants.ts';
import { Random } from '#engine/random.ts';
import { byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { simdHost } from './simd-host.ts';

/** Every build, with tiles of both widths. */
export const KERNELS = VARIANTS.flatMap((variant) => [false, true].map((wide) => [variant, wide] as const));

/** Every term, each with a λ of its own. */
export const LOSS: LossConfig = {
  weights: byTerm((_, k) => 0.2 + 0.1 * k),
  tau: 0.07,
  marginDirectional: 0.05,
  marginAntiCopy: 0.02,
  varianceTarget: 1,
};

const SLOTS = 4096;
const PROGRAM_BYTES = 65_536;

export class KernelBench {
  readonly arena = new Arena();
  readonly hyper = this.arena.floats(HYPER_WORDS);
  readonly slots = this.arena.bytes(SLOTS * 8);
  private readonly control = this.arena.bytes(CONTROL_BYTES);
  private readonly program = this.arena.bytes(PROGRAM_BYTES);
  private readonly scratch = this.arena.bytes(65_536);
  private readonly module: WebAssembly.Module;
  private readonly wide: boolean;
  private memory: WebAssembly.Memory | undefined;
  private instance: KernelInstance | undefined;

  constructor(variant: Variant, wide = false) {
    this.wide = wide;
    this.module = new WebAssembly.Module(readFileSync(resolve('resources', kernelFile(variant, false))));
  }

  /** Allocates the memory; the layout must be complete. */
  open(): this {
    const memory = new WebAssembly.Memory({ initial: this.arena.pages, maximum: this.arena.pages });
    const layout = { T: 1, D: 1, rowBytes: 4, ids: [0, 0], contexts: [0, 0], targets: [0, 0] };
    const { module, control, scratch } = this;
    this.memory = memory;
    new Int32Array(memory.buffer)[(control + CONTROL_WIDE) / 4] = this.wide ? 1 : 0;
    this.instance = instantiateKernels({ module, memory, control, scratch, layout, maxBatch: 1 });
    return this;
  }

  get kernels(): KernelInstance['kernels'] {
    return this.instance!.kernels;
  }

  get buffer(): ArrayBufferLike {
    return this.memory!.buffer;
  }

  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.buffer, at, count);
  }

  doubles(at: number, count: number): Float64Array {
    return new Float64Array(this.buffer, at, count);
  }

  /** Emits and runs one program; returns it, for the number of its slots. */
  run(emit: (program: Program) => void): Program {
    const program = new Program(this.slots, SLOTS);
    emit(program);
    program.write(this.buffer, this.program);
    this.kernels.run(this.control, this.program, program.operations.length, 1, this.scratch, 0);
    return program;
  }

  /** Global norm from the slots of a program. */
  norm(program: Program): number {
    return Math.sqrt(this.doubles(this.slots, program.slots).reduce((sum, x) => sum + x, 0));
  }

  writePanel(panel: Matrix, values: ArrayLike<number>, B: number, F = panel.features): void {
    this.each(B, F, (b, f) => (this.at(panelIndex(panel, b, f))[0] = values[b * F + f]));
  }

  readPanel(panel: Matrix, B: number, F = panel.features): Float32Array {
    const values = new Float32Array(B * F);
    this.each(B, F, (b, f) => (values[b * F + f] = this.at(panelIndex(panel, b, f))[0]));
    return values;
  }

  writeRows(rows: Matrix, values: ArrayLike<number>, count: number): void {
    this.each(count, rows.features, (r, d) => {
      this.at(rows.at + r * rows.pitch + d * 4)[0] = values[r * rows.features + d];
    });
  }

  readRows(rows: Matrix, count: number): Float32Array {
    const values = new Float32Array(count * rows.features);
    this.each(count, rows.features, (r, d) => {
      values[r * rows.features + d] = this.at(rows.at + r * rows.pitch + d * 4)[0];
    });
    return values;
  }

  writeStrip(strip: Matrix, width: 8 | 12, values: ArrayLike<number>, B: number): void {
    const F = strip.features;
    this.each(B, F, (b, f) => (this.at(stripIndex(strip, width, b, f))[0] = values[b * F + f]));
  }

  readStrip(strip: Matrix, width: 8 | 12, B: number): Float32Array {
    const F = strip.features;
    const values = new Float32Array(B * F);
    this.each(B, F, (b, f) => (values[b * F + f] = this.at(stripIndex(strip, width, b, f))[0]));
    return values;
  }

  private at(offset: number): Float32Array {
    return new Float32Array(this.buffer, offset, 1);
  }

  private each(rows: number, features: number, act: (row: number, feature: number) => void): void {
    for (let row = 0; row < rows; row++) for (let feature = 0; feature < features; feature++) act(row, feature);
  }
}

function panelIndex(panel: Matrix, b: number, f: number): number {
  return panel.at + (b >> 3) * panel.pitch + f * 32 + (b & 7) * 4;
}

function stripIndex(strip: Matrix, width: number, b: number, f: number): number {
  return strip.at + Math.floor(f / width) * strip.pitch + b * width * 4 + (f % width) * 4;
}

/** Builds the kernels when they are out of date. */
export async function prepareKernels(): Promise<void> {
  await simdHost();
}

export function normals(seed: number, count: number, scale = 1): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => scale * random.normal());
}
