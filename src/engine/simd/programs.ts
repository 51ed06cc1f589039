/** The programs of one model, emitted when a batch size is first seen and kept in a few fixed areas of its memory. */
import type { InfoNceMode } from '../losses/info-nce.ts';
import { OP_ARGS, OP_BYTES, OP_UNITS } from './abi/control.ts';
import { Gather } from './abi/input.ts';
import { DOUBLE_BYTES, panelCount, type Arena } from './layout.ts';
import { SLOTS } from './gather.ts';
import type { BatchInput } from './input.ts';
import type { LossHead } from './losses/head.ts';
import type { Network } from './models/network.ts';
import { emitGradients, type Optimizer } from './optimizer.ts';
import { Program } from './program.ts';
import { fieldIndices } from './struct.ts';

export type ProgramKind = 'predict' | 'gradients' | 'train';

export interface ProgramKey {
  readonly kind: ProgramKind;
  readonly B: number;
  readonly slot: number;
  readonly infoNce: InfoNceMode;
}

export interface PlacedProgram {
  readonly at: number;
  readonly ops: number;
  readonly labels: readonly string[];
  /** Sum-of-squares slots of the gradient norm. */
  readonly slots: number;
  /** Byte address of the operation that gathers this slot, and of the one that gathers the other slot for the next step. */
  readonly gather: number;
  readonly prefetch: number;
}

const GATHER = fieldIndices(Gather);
const AREAS = 12;
const KINDS: readonly ProgramKind[] = ['predict', 'gradients', 'train'];
const MODES: readonly InfoNceMode[] = ['none', 'value', 'gradient'];

/** One number for each key: it is looked up at every step. */
function nameOf({ kind, B, slot, infoNce }: ProgramKey): number {
  return ((B * SLOTS + slot) * KINDS.length + KINDS.indexOf(kind)) * MODES.length + MODES.indexOf(infoNce);
}

export interface ProgramParts {
  readonly input: BatchInput;
  readonly network: Network;
  readonly losses: LossHead;
  readonly optimizer: Optimizer;
}

export class ProgramCache {
  readonly slotsAt: number;
  private readonly areas: readonly number[];
  private readonly maxOps: number;
  private readonly slotLimit: number;
  private readonly placed = new Map<number, PlacedProgram & { readonly area: number; usedAt: number }>();
  private uses = 0;

  constructor(arena: Arena, maxOps: number, slotLimit: number) {
    this.maxOps = maxOps;
    this.slotLimit = slotLimit;
    this.areas = Array.from({ length: AREAS }, () => arena.bytes(maxOps * OP_BYTES));
    this.slotsAt = arena.bytes(slotLimit * DOUBLE_BYTES);
  }

  get(buffer: ArrayBufferLike, parts: ProgramParts, key: ProgramKey): PlacedProgram {
    const name = nameOf(key);
    const known = this.placed.get(name);
    if (known) {
      known.usedAt = ++this.uses;
      return known;
    }
    const area = this.freeArea();
    const program = new Program(this.slotsAt, this.slotLimit, key.kind === 'train');
    const { gather, prefetch } = emit(program, parts, key);
    if (program.operations.length > this.maxOps) {
      throw new Error(`simd program: ${program.operations.length} operations, room for ${this.maxOps}`);
    }
    program.write(buffer, this.areas[area]);
    const placed = {
      area,
      usedAt: ++this.uses,
      at: this.areas[area],
      ops: program.operations.length,
      labels: program.operations.map((operation) => operation.label),
      slots: program.slots,
      gather: gather < 0 ? -1 : this.areas[area] + gather * OP_BYTES,
      prefetch: prefetch < 0 ? -1 : this.areas[area] + prefetch * OP_BYTES,
    };
    this.placed.set(name, placed);
    return placed;
  }

  private freeArea(): number {
    if (this.placed.size < AREAS) return this.placed.size;
    const [[oldest, { area }]] = [...this.placed].toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
    this.placed.delete(oldest);
    return area;
  }
}

/** Lets a gather operation copy B rows, or none. */
export function setGather(view: DataView, operation: number, B: number): void {
  view.setInt32(operation + OP_UNITS, panelCount(B), true);
  view.setInt32(operation + OP_ARGS + 4 * GATHER.B, B, true);
}

function emit(program: Program, parts: ProgramParts, key: ProgramKey): { gather: number; prefetch: number } {
  const { input, network, losses, optimizer } = parts;
  const { kind, B, slot, infoNce } = key;
  let gather = -1;
  let prefetch = -1;
  if (kind === 'train') {
    gather = input.gather(program, slot);
    program.barrier();
  }
  if (kind !== 'predict') input.packTargets(program, slot, B);
  input.shiftContexts(program, slot, B);
  const { output, base } = network.forward(program, slot, B);
  if (kind === 'predict') {
    losses.forwardOnly(program, output, base, B);
    return { gather, prefetch };
  }
  losses.forwardBackward(program, { output, base, slot, B }, infoNce);
  const { draw, drawStrip } = losses;
  network.backward(program, slot, B, draw, drawStrip);
  if (kind === 'gradients') emitGradients(program, network, { draw, drawStrip, B });
  else
    optimizer.emitUpdate(program, network, { draw, drawStrip, B }, () => (prefetch = input.gather(program, 1 - slot)));
  return { gather, prefetch };
}
