/**
 * Reads Python pickles (protocols 0-5) as plain data. It is a stack machine over the opcodes that numpy object arrays of
 * dicts, lists, texts and numbers need. It never calls anything: the few globals it knows are names for values it builds
 * itself, every other global is refused by name.
 */
import { NextvecError } from '#shared/domain/errors.ts';
import { shortText } from '#shared/domain/short-text.ts';
import { COST, PickleBudget } from './budget.ts';
import { PickleBytes } from './operands.ts';
import {
  ForeignValue,
  Global,
  PickledArray,
  PickledDict,
  PickledDType,
  applyGlobal,
  knownGlobal,
  setState,
  type PickleValue,
  type Vocabulary,
} from './values.ts';

/** Opcodes by their byte; names are those of Python's pickletools. */
const OP = {
  MARK: 0x28, STOP: 0x2e, POP: 0x30, POP_MARK: 0x31, DUP: 0x32, FLOAT: 0x46, INT: 0x49, BININT: 0x4a, BININT1: 0x4b,
  LONG: 0x4c, BININT2: 0x4d, NONE: 0x4e, PERSID: 0x50, BINPERSID: 0x51, REDUCE: 0x52, STRING: 0x53, BINSTRING: 0x54,
  SHORT_BINSTRING: 0x55, UNICODE: 0x56, BINUNICODE: 0x58, APPEND: 0x61, BUILD: 0x62, GLOBAL: 0x63, DICT: 0x64,
  EMPTY_DICT: 0x7d, APPENDS: 0x65, GET: 0x67, BINGET: 0x68, INST: 0x69, LONG_BINGET: 0x6a, LIST: 0x6c,
  EMPTY_LIST: 0x5d, OBJ: 0x6f, PUT: 0x70, BINPUT: 0x71, LONG_BINPUT: 0x72, SETITEM: 0x73, TUPLE: 0x74,
  EMPTY_TUPLE: 0x29, SETITEMS: 0x75, BINFLOAT: 0x47, PROTO: 0x80, NEWOBJ: 0x81, TUPLE1: 0x85, TUPLE2: 0x86,
  TUPLE3: 0x87, NEWTRUE: 0x88, NEWFALSE: 0x89, LONG1: 0x8a, LONG4: 0x8b, BINBYTES: 0x42, SHORT_BINBYTES: 0x43,
  SHORT_BINUNICODE: 0x8c, BINUNICODE8: 0x8d, BINBYTES8: 0x8e, EMPTY_SET: 0x8f, ADDITEMS: 0x90, FROZENSET: 0x91,
  NEWOBJ_EX: 0x92, STACK_GLOBAL: 0x93, MEMOIZE: 0x94, FRAME: 0x95, BYTEARRAY8: 0x96,
} as const; // prettier-ignore

/** Python itself cannot pickle deeper nesting. */
const MAX_MARKS = 1000;
/** Values waiting to be put into a list or dict; Python puts them there a thousand at a time. */
const MAX_STACK = 1_000_000;
/** Python numbers memo entries one after another, from 0 or 1. */
const MAX_MEMO_GAP = 256;

/** The object one pickle holds. `place` names the file and array in messages; `vocabulary` adds globals to numpy's. */
export function readPickle(
  bytes: Uint8Array,
  place: string,
  vocabulary: Vocabulary | null = null,
  budget = new PickleBudget(place),
): PickleValue {
  return new Unpickler(bytes, vocabulary, budget).run();
}

class Unpickler {
  private readonly input: PickleBytes;
  private readonly budget: PickleBudget;
  private readonly vocabulary: Vocabulary | null;
  private stack: PickleValue[] = [];
  /** Stacks below the marks, and how many values they hold. */
  private readonly marks: PickleValue[][] = [];
  private below = 0;
  private readonly memo: PickleValue[] = [];

  constructor(bytes: Uint8Array, vocabulary: Vocabulary | null, budget: PickleBudget) {
    this.budget = budget;
    this.input = new PickleBytes(bytes, this.budget);
    this.vocabulary = vocabulary;
  }

  run(): PickleValue {
    for (;;) {
      const op = this.input.byte();
      if (op === OP.STOP) return this.pop();
      if (this.stack.length + this.below > MAX_STACK) throw this.bad('it has too many values outside lists and dicts');
      if (!this.literal(op) && !this.container(op) && !this.memory(op)) this.construct(op);
    }
  }

  /** Opcodes that push one plain value. */
  private literal(op: number): boolean {
    const { input, stack } = this;
    switch (op) {
      case OP.NONE: stack.push(null); return true;
      case OP.NEWTRUE: stack.push(true); return true;
      case OP.NEWFALSE: stack.push(false); return true;
      case OP.BININT: stack.push(input.int32()); return true;
      case OP.BININT1: stack.push(input.byte()); return true;
      case OP.BININT2: stack.push(input.uint(2)); return true;
      case OP.INT: stack.push(input.intOrBool()); return true;
      case OP.LONG: stack.push(input.longLine()); return true;
      case OP.LONG1: stack.push(input.long(input.byte())); return true;
      case OP.LONG4: stack.push(input.long(input.uint(4))); return true;
      case OP.FLOAT: stack.push(input.floatLine()); return true;
      case OP.BINFLOAT: stack.push(input.float64()); return true;
      case OP.STRING: stack.push(input.quotedLine()); return true;
      case OP.UNICODE: stack.push(input.unicodeLine()); return true;
      case OP.BINSTRING: stack.push(input.latin1(input.uint(4))); return true;
      case OP.SHORT_BINSTRING: stack.push(input.latin1(input.byte())); return true;
      case OP.SHORT_BINUNICODE: stack.push(input.utf8(input.byte())); return true;
      case OP.BINUNICODE: stack.push(input.utf8(input.uint(4))); return true;
      case OP.BINUNICODE8: stack.push(input.utf8(input.uint(8))); return true;
      case OP.SHORT_BINBYTES: stack.push(input.take(input.byte())); return true;
      case OP.BINBYTES: stack.push(input.take(input.uint(4))); return true;
      case OP.BINBYTES8: case OP.BYTEARRAY8: stack.push(input.take(input.uint(8))); return true;
      case OP.PROTO: if (input.byte() > 5) throw this.bad('its protocol is newer than 5'); return true;
      case OP.FRAME: input.uint(8); return true;
      default: return false;
    }
  } // prettier-ignore

  /** Opcodes that make or fill lists, tuples, dicts and sets; a set is read as a list. */
  private container(op: number): boolean {
    const { stack } = this;
    switch (op) {
      case OP.MARK: this.mark(); return true;
      case OP.POP_MARK: this.sinceMark(); return true;
      case OP.EMPTY_LIST: case OP.EMPTY_TUPLE: case OP.EMPTY_SET: this.budget.spend(COST.object); stack.push([]); return true;
      case OP.LIST: case OP.TUPLE: case OP.FROZENSET: this.pushItems(this.sinceMark()); return true;
      case OP.TUPLE1: case OP.TUPLE2: case OP.TUPLE3: this.tuple(op - OP.TUPLE1 + 1); return true;
      case OP.APPEND: this.append([this.pop()]); return true;
      case OP.APPENDS: case OP.ADDITEMS: this.append(this.sinceMark()); return true;
      case OP.EMPTY_DICT: this.pushDict(); return true;
      case OP.DICT: { const items = this.sinceMark(); this.pushDict(); this.assign(items); return true; }
      case OP.SETITEM: { const value = this.pop(); this.assign([this.pop(), value]); return true; }
      case OP.SETITEMS: this.assign(this.sinceMark()); return true;
      default: return false;
    }
  } // prettier-ignore

  /** Stack and memo opcodes. */
  private memory(op: number): boolean {
    const { input } = this;
    switch (op) {
      case OP.POP: if (this.stack.length === 0 && this.marks.length > 0) this.sinceMark(); else this.pop(); return true;
      case OP.DUP: this.stack.push(this.top()); return true;
      case OP.MEMOIZE: this.put(this.memo.length); return true;
      case OP.PUT: this.put(input.intLine()); return true;
      case OP.BINPUT: this.put(input.byte()); return true;
      case OP.LONG_BINPUT: this.put(input.uint(4)); return true;
      case OP.GET: this.get(input.intLine()); return true;
      case OP.BINGET: this.get(input.byte()); return true;
      case OP.LONG_BINGET: this.get(input.uint(4)); return true;
      default: return false;
    }
  } // prettier-ignore

  /** Opcodes that would call something in Python. */
  private construct(op: number): void {
    const { input, stack } = this;
    switch (op) {
      case OP.GLOBAL: stack.push(this.global(input.line(), input.line())); return;
      case OP.STACK_GLOBAL: { const name = this.pop(); stack.push(this.global(this.pop(), name)); return; }
      case OP.REDUCE: this.reduce(); return;
      case OP.BUILD: this.build(); return;
      case OP.NEWOBJ: this.newObject(); return;
      case OP.BINPERSID: this.persistent(); return;
      case OP.INST: throw this.refused(`it would call ${shortText(input.line())}.${shortText(input.line())}`);
      case OP.OBJ: case OP.NEWOBJ_EX: throw this.refused('it would construct an object');
      case OP.PERSID: throw this.refused('it refers to an object outside the file');
      default: throw this.bad(`opcode 0x${op.toString(16)} is unknown`);
    }
  } // prettier-ignore

  private reduce(): void {
    const args = this.pop();
    const target = this.pop();
    if (!Array.isArray(args)) throw this.bad('REDUCE has nothing to call');
    if (target instanceof ForeignValue) this.stack.push(this.callForeign(target, args));
    else if (target instanceof Global) this.stack.push(applyGlobal(target, args, this.budget));
    else throw this.bad('REDUCE has nothing to call');
  }

  private build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PickledDict && state instanceof PickledDict) this.budget.spend(state.keys.length * COST.item);
    if (this.vocabulary?.setState(target, state)) return;
    if (!(target instanceof PickledArray) && !(target instanceof PickledDType)) {
      throw this.refused('it would set the state of an object');
    }
    setState(target, state, this.budget);
  }

  private newObject(): void {
    const args = this.pop();
    const target = this.pop();
    if (!(target instanceof ForeignValue) || !Array.isArray(args)) throw this.refused('it would construct an object');
    this.stack.push(this.callForeign(target, args));
  }

  private persistent(): void {
    const value = this.vocabulary?.persistent(this.pop());
    if (value === undefined) throw this.refused('it refers to an object outside the file');
    this.stack.push(value);
  }

  private callForeign(target: ForeignValue, args: readonly PickleValue[]): PickleValue {
    const value = this.vocabulary?.call(target, args);
    if (value === undefined) throw this.refused(`it would call ${target.name} in a way that is not understood`);
    this.budget.spend(value instanceof PickledDict ? COST.dict + value.keys.length * COST.item : COST.view);
    return value;
  }

  private global(module: PickleValue, name: PickleValue): Global | ForeignValue {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.bad('a global has no name');
    const known = knownGlobal(module, name) ?? this.vocabulary?.global(module, name);
    this.budget.spend(COST.object);
    if (!known) throw this.refused(`it would call ${shortText(module)}.${shortText(name)}`);
    return known;
  }

  private put(index: number): void {
    const isNext = Number.isInteger(index) && index >= 0 && index <= this.memo.length + MAX_MEMO_GAP;
    if (!isNext) throw this.bad('a memo index is invalid');
    this.budget.spend(COST.item);
    this.memo[index] = this.top();
  }

  private get(index: number): void {
    if (!(index in this.memo)) throw this.bad('it reads a memo that was not written');
    this.stack.push(this.memo[index]);
  }

  private tuple(count: number): void {
    if (this.stack.length < count) throw this.bad('the stack is empty');
    this.pushItems(this.stack.splice(this.stack.length - count));
  }

  private mark(): void {
    if (this.marks.length === MAX_MARKS) throw this.bad('it is nested too deeply');
    this.budget.spend(COST.item);
    this.marks.push(this.stack);
    this.below += this.stack.length;
    this.stack = [];
  }

  private pushItems(items: PickleValue[]): void {
    this.budget.spend(COST.object + items.length * COST.item);
    this.stack.push(items);
  }

  private pushDict(): void {
    this.budget.spend(COST.dict);
    this.stack.push(new PickledDict());
  }

  private append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.bad('it appends to something that is no list');
    this.budget.spend((list.length === 0 ? COST.growth : 0) + items.length * COST.item);
    for (const item of items) list.push(item);
  }

  private assign(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickledDict) || items.length % 2 !== 0)
      throw this.bad('it sets items of something that is no dict');
    this.budget.spend((dict.keys.length > 0 ? COST.growth : 0) + (items.length / 2) * COST.item);
    dict.assign(items);
  }

  private sinceMark(): PickleValue[] {
    const before = this.marks.pop();
    if (!before) throw this.bad('a mark is missing');
    const items = this.stack;
    this.stack = before;
    this.below -= before.length;
    return items;
  }

  private top(): PickleValue {
    if (this.stack.length === 0) throw this.bad('the stack is empty');
    return this.stack[this.stack.length - 1];
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.length--;
    return value;
  }

  private bad(why: string): NextvecError {
    return this.input.bad(why);
  }

  private refused(why: string): NextvecError {
    return new NextvecError('METADATA_REFUSED', `${this.budget.place}: the pickle was refused: ${why}.`, {
      remedy: 'Nothing was executed. Do not load this file in Python either unless you know where it comes from.',
    });
  }
}
