/**
 * A program: the list of kernel operations that all threads run, with barriers between those that depend on each other.
 * Layers append to it; nothing is computed here. Shapes are baked in, so there is one program per batch size.
 */
import { OP_ARGS, OP_BARRIER, OP_BYTES, OP_UNITS } from './abi/control.ts';
import { fieldNames } from './struct.ts';

/** An argument that the kernel reads as float32. */
export interface FloatArgument {
  readonly float: number;
}

type Argument = number | FloatArgument;

/** An operation as declared in abi/: a class with one field for each argument. */
export interface OperationType<A> {
  readonly code: number;
  new (): A;
}

interface Operation {
  readonly label: string;
  readonly code: number;
  readonly units: number;
  readonly args: readonly Argument[];
}

const MAX_ARGS = (OP_BYTES - OP_ARGS) / 4;

export class Program {
  readonly operations: Operation[] = [];
  /** Sum-of-squares slots handed out so far. */
  slots = 0;
  /** Whether dropout drops. */
  readonly training: boolean;
  private readonly slotsAt: number;
  private readonly slotLimit: number;

  constructor(slotsAt: number, slotLimit: number, training = false) {
    this.training = training;
    this.slotsAt = slotsAt;
    this.slotLimit = slotLimit;
  }

  /** Appends one operation and returns its position. `units`: pieces of work that threads may share. */
  add<A extends { readonly [K in keyof A]: Argument }>(
    label: string,
    operation: OperationType<A>,
    units: number,
    args: NoInfer<A>,
  ): number {
    this.operations.push({ label, code: operation.code, units, args: inOrder(label, operation, args) });
    return this.operations.length - 1;
  }

  /** Everything before is finished on all threads before anything after begins. */
  barrier(): void {
    this.operations.push({ label: 'barrier', code: OP_BARRIER, units: 0, args: [] });
  }

  /** Address of `count` fresh float64 slots for the partial sums of squares of the gradient norm. */
  takeSlots(count: number): number {
    const at = this.slotsAt + this.slots * 8;
    this.slots += count;
    if (this.slots > this.slotLimit) throw new Error(`simd program: more than ${this.slotLimit} gradient norm slots`);
    return at;
  }

  /** Writes the records at byte offset `at`. */
  write(buffer: ArrayBufferLike, at: number): void {
    const view = new DataView(buffer, at, this.operations.length * OP_BYTES);
    this.operations.forEach((operation, i) => {
      const base = i * OP_BYTES;
      view.setInt32(base, operation.code, true);
      view.setInt32(base + OP_UNITS, operation.units, true);
      operation.args.forEach((value, k) => {
        const offset = base + OP_ARGS + 4 * k;
        if (typeof value === 'number') view.setInt32(offset, value, true);
        else view.setFloat32(offset, value.float, true);
      });
    });
  }
}

/** The arguments in the order of the declaration. The compiler checks literals; spread objects may bring others along. */
function inOrder<A extends { readonly [K in keyof A]: Argument }>(
  label: string,
  operation: OperationType<A>,
  args: A,
): Argument[] {
  const names = fieldNames(operation);
  if (names.length > MAX_ARGS)
    throw new Error(`simd program: "${label}" has ${names.length} arguments, at most ${MAX_ARGS} fit`);
  const undeclared = Object.keys(args).filter((name) => !names.some((declared) => declared === name));
  if (undeclared.length > 0) throw new Error(`simd program: "${label}" has no argument ${undeclared.join(', ')}`);
  return names.map((name) => args[name]);
}
