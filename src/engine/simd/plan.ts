/** Everything of one model that has a place in memory, decided before the memory is made. */
import { inputShift, type GradientSpec } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import type { ModelOptions } from '../types.ts';
import { CONTROL_BYTES } from './abi/control.ts';
import { HYPER_WORDS } from './hyper.ts';
import { Arena, DOUBLE_BYTES, FLOAT_BYTES, paddedFeatures } from './layout.ts';
import type { GatherLayout } from './gather.ts';
import { BatchInput } from './input.ts';
import { attentionScratch } from './layers/attention.ts';
import { LossHead } from './losses/head.ts';
import { Amn } from './models/amn.ts';
import { Gru } from './models/gru.ts';
import { Lstm } from './models/lstm.ts';
import type { Network, NetworkContext } from './models/network.ts';
import { Transformer } from './models/transformer.ts';
import { Optimizer } from './optimizer.ts';
import { ProgramCache, type ProgramParts } from './programs.ts';

/** Rows of scratch of one thread: the loss gradient holds eight rows and two more. */
const SCRATCH_ROWS = 10;
/** Room for the operations of any network without a sequence. */
const BASE_OPS = 1024;
const LAYER_OPS = 128;
/** Operations of one time step of one recurrent layer, forward and backward, barriers included. */
const STEP_OPS = 8;
const BASE_SLOTS = 1 << 16;
/** Fewest weights that share one slot: 24 outputs of 12 inputs. */
const SLOT_WEIGHTS = 288;

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

export function planModel(options: Pick<ModelOptions, 'spec' | 'maxBatch'>, threads: number): ModelPlan {
  const { spec, maxBatch } = options;
  const arena = new Arena();
  const control = arena.bytes(CONTROL_BYTES);
  const hyper = arena.floats(HYPER_WORDS);
  const maxOps = BASE_OPS + operationsOf(spec);
  const profile = arena.bytes((maxOps + 1) * DOUBLE_BYTES);
  const rowBytes = paddedFeatures(spec.D) * FLOAT_BYTES;
  // At least the rows of a weight tile that a partial block has no room for, and the attention weights of four rows.
  const scratchBytes = Math.max(rowBytes * SCRATCH_ROWS, 4096, attentionScratch(spec.T));
  const scratch = Array.from({ length: threads }, () => arena.bytes(scratchBytes));
  const programs = new ProgramCache(arena, maxOps, BASE_SLOTS + Math.ceil(parameterCount(spec) / SLOT_WEIGHTS));
  const input = new BatchInput(arena, spec.T, spec.D, maxBatch, inputShift(spec));
  const network = createNetwork(spec, { arena, input, hyper, maxB: maxBatch });
  input.shift?.addConstant(network.bank);
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

function createNetwork(spec: GradientSpec, context: NetworkContext): Network {
  switch (spec.type) {
    case 'amn':
      return new Amn(context.arena, context.input, spec, context.maxB);
    case 'lstm':
      return new Lstm(context, spec);
    case 'gru':
      return new Gru(context, spec);
    case 'transformer':
      return new Transformer(context, spec);
  }
}

/** Upper bound of the operations that a program of this network has beyond BASE_OPS. */
function operationsOf(spec: GradientSpec): number {
  switch (spec.type) {
    case 'amn':
      return 0;
    case 'lstm':
    case 'gru':
      return spec.numLayers * (LAYER_OPS + spec.T * STEP_OPS);
    case 'transformer':
      return spec.numLayers * LAYER_OPS;
  }
}
