/**
 * What the pickle of a PyTorch checkpoint may name beside numpy: storages, tensors, ordered dicts, argparse's Namespace
 * and a few plain types, each built here as plain data. Every other name is refused by the reader; nothing is executed.
 */
import { ForeignValue, PickledDict, type PickleValue, type Vocabulary } from '../pickle/values.ts';

/** Element type of a storage, under its name in PyTorch. */
export type StorageType =
  'float16' | 'bfloat16' | 'float32' | 'float64' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool';

/** A part of a storage: element i₀, i₁ … lies at offset + Σ i·stride. Units are elements. */
export class PickledTensor extends ForeignValue {
  readonly name = 'a tensor';
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];

  constructor(storage: PickledStorage, offset: number, shape: readonly number[], stride: readonly number[]) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
  }
}

/** The numbers of a storage are the member `data/<key>` of the file. */
class PickledStorage extends ForeignValue {
  readonly name = 'a storage';
  readonly key: string;
  readonly type: StorageType;
  readonly elements: number;

  constructor(key: string, type: StorageType, elements: number) {
    super();
    this.key = key;
    this.type = type;
    this.elements = elements;
  }
}

class Named extends ForeignValue {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

class StorageClass extends Named {
  readonly type: StorageType;

  constructor(name: string, type: StorageType) {
    super(name);
    this.type = type;
  }
}

const STORAGES: Readonly<Record<string, StorageType>> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

const KNOWN = new Set([
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_parameter',
  'torch.Size',
  'torch.device',
  'collections.OrderedDict',
  'collections.defaultdict',
  'argparse.Namespace',
  'pathlib.PosixPath',
  'pathlib.WindowsPath',
  'pathlib.PurePosixPath',
  'pathlib.PureWindowsPath',
  'builtins.set',
  'builtins.frozenset',
  'builtins.list',
  'builtins.dict',
  'builtins.int',
  'builtins.float',
  'builtins.str',
  'builtins.bool',
]);

/** Other names that Python 2 and Python 3.13 give the same modules. */
const MODULE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['pathlib._local', 'pathlib'],
]);

/** Only names: what `--type=int` or a dtype leaves in args. */
const DTYPE = /^(float(16|32|64)|bfloat16|int(8|16|32|64)|uint8|bool|half|double)$/;

function global(module: string, name: string): ForeignValue | null {
  const full = `${MODULE_ALIASES.get(module) ?? module}.${name}`;
  if (module === 'torch' && Object.hasOwn(STORAGES, name)) return new StorageClass(full, STORAGES[name]);
  if (module === 'torch' && DTYPE.test(name)) return new Named(full);
  return KNOWN.has(full) ? new Named(full) : null;
}

function call(target: ForeignValue, args: readonly PickleValue[]): PickleValue | undefined {
  switch (target.name) {
    case 'torch._utils._rebuild_tensor_v2':
      return rebuildTensor(args);
    case 'torch._utils._rebuild_parameter':
      return args[0] instanceof PickledTensor ? args[0] : undefined;
    case 'torch.Size':
    case 'builtins.set':
    case 'builtins.frozenset':
      return Array.isArray(args[0]) ? args[0] : undefined;
    case 'torch.device':
      return joined(args, ':');
    case 'collections.OrderedDict':
    case 'collections.defaultdict':
    case 'argparse.Namespace':
      return dict(target.name, args);
    case 'pathlib.PosixPath':
    case 'pathlib.PurePosixPath':
      return joined(args, '/')?.replace(/^\/\//, '/');
    case 'pathlib.WindowsPath':
    case 'pathlib.PureWindowsPath':
      return joined(args, '\\');
    default:
      return undefined;
  }
}

const MAX_PARTS = 256;
const MAX_TEXT = 65_536;

/** undefined: not texts, or too long for a path or a device. */
function joined(parts: readonly PickleValue[], separator: string): string | undefined {
  if (parts.length > MAX_PARTS) return undefined;
  const texts = parts.filter((part) => typeof part === 'string' || typeof part === 'number').map(String);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  return texts.length === parts.length && length <= MAX_TEXT ? texts.join(separator) : undefined;
}

/** Empty, or in old protocols filled from a list of pairs; a defaultdict's factory is not called. */
function dict(name: string, args: readonly PickleValue[]): PickledDict | undefined {
  const result = new PickledDict();
  const pairs = name === 'collections.OrderedDict' ? args[0] : undefined;
  if (pairs === undefined) return result;
  if (!Array.isArray(pairs)) return undefined;
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined;
    result.set(pair[0], pair[1]);
  }
  return result;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const MAX_AXES = 32;

/** (storage, offset, size, stride, requires_grad, hooks) */
function rebuildTensor([storage, offset, shape, stride]: readonly PickleValue[]): PickledTensor | undefined {
  if (!(storage instanceof PickledStorage) || !isCount(offset)) return undefined;
  if (!Array.isArray(shape) || !Array.isArray(stride)) return undefined;
  if (shape.length !== stride.length || shape.length > MAX_AXES) return undefined;
  if (!shape.every(isCount) || !stride.every(isCount)) return undefined;
  const last = shape.includes(0) ? offset : shape.reduce<number>((at, n, i) => at + (n - 1) * stride[i], offset) + 1;
  return last <= storage.elements ? new PickledTensor(storage, offset, shape, stride) : undefined;
}

/** A Namespace's attributes are its items; what an OrderedDict has beside its items (`_metadata`) is of no use here. */
function setState(target: PickleValue, state: PickleValue): boolean {
  if (!(target instanceof PickledDict) || !(state instanceof PickledDict)) return false;
  const isMetadata = state.keys.length === 1 && state.keys[0] === '_metadata';
  if (!isMetadata) state.keys.forEach((key, i) => target.set(key, state.values[i]));
  return true;
}

/** ('storage', type, key, location, elements) */
function persistent(id: PickleValue): PickleValue | undefined {
  if (!Array.isArray(id) || id[0] !== 'storage') return undefined;
  const [, type, key, , elements] = id;
  if (!(type instanceof StorageClass) || typeof key !== 'string' || !/^\w{1,64}$/.test(key)) return undefined;
  return isCount(elements) ? new PickledStorage(key, type.type, elements) : undefined;
}

export const TORCH_VOCABULARY: Vocabulary = { global, call, setState, persistent };
