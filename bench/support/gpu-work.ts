/**
 * Dispatches, bytes moved and floating-point operations of a training step on WebGPU, from its kernels and the sizes of
 * their buffers; the least time that they take on a device of known speed. Nothing runs.
 */
import type { GradientType } from '#shared/domain/models/models.ts';
import type { Gpu } from '#engine/webgpu/device/device.ts';
import { Pipelines, type Kernel, type Work } from '#engine/webgpu/kernel.ts';
import { ModelPlan } from '#engine/webgpu/plan.ts';
import type { Program } from '#engine/webgpu/program.ts';
import { ResidentVectors } from '#engine/webgpu/vectors.ts';
import type { SharedVectors } from '#engine/types.ts';
import { benchOptions, D, T } from './training-loop.ts';

export interface StepWork extends Work {
  readonly dispatches: number;
}

export interface Device {
  readonly name: string;
  readonly flops: number;
  readonly bytesPerSecond: number;
}

/** Peak float32 rate and memory bandwidth. */
export const DEVICES: readonly Device[] = [
  { name: 'M1 Max', flops: 10.4e12, bytesPerSecond: 400e9 },
  { name: 'H200', flops: 67e12, bytesPerSecond: 4.8e12 },
];

/** A training step of a model of the published sizes that measures and trains on every term. */
export async function countStep(gpu: Gpu, model: GradientType, B: number): Promise<StepWork> {
  const plan = new ModelPlan(gpu, new Pipelines(gpu), benchOptions(B, model));
  const vectors = await ResidentVectors.load(gpu, windowsOf(B), D);
  if (!vectors) throw new Error('no device memory for the windows of a batch');
  const work = workOf([plan.gatherProgram(vectors), plan.program('train', 'gradient')], B);
  vectors.dispose();
  plan.memory.dispose();
  return work;
}

/** B windows without a common vector: a gather reads all of them. */
function windowsOf(B: number): SharedVectors {
  const rows = B * (T + 1);
  const segments = [new SharedArrayBuffer(rows * D * 4)];
  return { dtype: 'float32', segments, segmentRows: rows, index: new SharedArrayBuffer(rows * 4) };
}

type Dispatch = ReturnType<Program['kernels']>[number];

/** Of programs whose model was made for batches of exactly B rows: their buffers have no spare rows. */
export function workOf(programs: readonly Program[], B: number): StepWork {
  const kernels = programs.flatMap((program) => program.kernels(B));
  const work = kernels.map((dispatch) => dispatch.kernel.work?.(B) ?? { flop: 0, bytes: bytesOf(dispatch, B) });
  const total = (value: (work: Work) => number) => work.reduce((sum, each) => sum + value(each), 0);
  return { dispatches: kernels.length, flop: total(({ flop }) => flop), bytes: total(({ bytes }) => bytes) };
}

/** Every buffer once, or as much of it as the threads can reach: without loops, one access for each in the code. */
function bytesOf({ kernel, tensors, groups }: Dispatch, B: number): number {
  const threads = (groups(B) ?? [0]).reduce((product: number, count = 1) => product * count, workgroupSize(kernel));
  const hasLoops = /\b(for|loop|while)\b/.test(kernel.code);
  return Object.keys(kernel.buffers).reduce((sum, name) => {
    const { length } = tensors[name];
    const elements = (places: number) => (hasLoops && places > 0 ? length : Math.min(length, places * threads));
    const { reads, writes } = accesses(kernel, name);
    return sum + 4 * (elements(reads) + elements(writes));
  }, 0);
}

function workgroupSize({ code }: Kernel): number {
  return Number(/@workgroup_size\((\d+)\)/.exec(code)?.[1] ?? 1);
}

/** Places in the code of a kernel that read and that write a buffer; `+=` does both. */
export function accesses({ code }: Kernel, name: string): { reads: number; writes: number } {
  let reads = 0;
  let writes = 0;
  for (const { index } of code.matchAll(new RegExp(String.raw`\b${name}\[`, 'g'))) {
    const after = code.slice(endOfIndex(code, index + name.length)).trimStart();
    const isUpdate = /^[-+*/]=/.test(after);
    const isAssignment = /^=[^=]/.test(after);
    if (isUpdate || isAssignment) writes++;
    if (!isAssignment) reads++;
  }
  return { reads, writes };
}

/** Position after the bracket that closes the one at `open`. */
function endOfIndex(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === '[') depth++;
    if (code[at] === ']' && --depth === 0) return at + 1;
  }
  return code.length;
}

/** Least seconds of a step: all products at the peak rate, or all bytes at the full bandwidth. */
export function floorSeconds({ flop, bytes }: Work, { flops, bytesPerSecond }: Device): number {
  return Math.max(flop / flops, bytes / bytesPerSecond);
}
