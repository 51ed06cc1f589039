/** Everything of one model that has a place in memory, decided before the memory is made. */
import type { ModelSpec } from '#shared/domain/models.ts';
import type { ModelOptions } from '../types.ts';
import { CONTROL_BYTES, HYPER_WORDS } from './opcodes.ts';
import { Arena, FLOAT_BYTES, paddedFeatures } from './layout.ts';
import type { GatherLayout } from './gather.ts';
import { BatchInput } from './input.ts';
import { LossHead } from './losses.ts';
import { Amn } from './models/amn.ts';
import type { Network } from './models/network.ts';
import { Optimizer } from './optimizer.ts';
import { ProgramCache, type ProgramParts } from './programs.ts';

/** Rows of scratch of one thread: the loss gradient holds eight rows and two more. */
const SCRATCH_ROWS = 10;
const MAX_OPS = 1024;

export interface ModelPlan extends ProgramParts {
  readonly pages: number;
  readonly control: number;
  readonly hyper: number;
  /** Scratch offset of each thread. */
  readonly scratch: readonly number[];
  readonly profile: number;
  readonly programs: ProgramCache;
  readonly gatherLayout: GatherLayout;
}

export function planModel(options: ModelOptions, threads: number): ModelPlan {
  const { spec, maxBatch } = options;
  const arena = new Arena();
  const control = arena.bytes(CONTROL_BYTES);
  const hyper = arena.floats(HYPER_WORDS);
  const profile = arena.bytes((MAX_OPS + 1) * 8);
  const rowBytes = paddedFeatures(spec.D) * FLOAT_BYTES;
  // At least the rows of a weight tile that a partial block has no room for.
  const scratchBytes = Math.max(rowBytes * SCRATCH_ROWS, 4096);
  const scratch = Array.from({ length: threads }, () => arena.bytes(scratchBytes));
  const programs = new ProgramCache(arena, MAX_OPS);
  const input = new BatchInput(arena, spec.T, spec.D, maxBatch);
  const network = createNetwork(spec, arena, input, maxBatch);
  network.bank.place(arena);
  const losses = new LossHead(arena, input, hyper, maxBatch);
  const optimizer = new Optimizer(arena, programs.slotsAt, hyper);
  const gatherLayout = {
    T: spec.T,
    D: spec.D,
    rowBytes,
    ids: input.ids,
    contexts: input.contexts.map((matrix) => matrix.at),
    targets: input.targets.map((matrix) => matrix.at),
  };
  return {
    pages: arena.pages,
    control,
    hyper,
    profile,
    scratch,
    programs,
    input,
    network,
    losses,
    optimizer,
    gatherLayout,
  };
}

function createNetwork(spec: ModelSpec, arena: Arena, input: BatchInput, maxBatch: number): Network {
  if (spec.type === 'amn') return new Amn(arena, input, spec, maxBatch);
  throw new Error(`the simd engine has no ${spec.type} model; choose another engine for it`);
}
