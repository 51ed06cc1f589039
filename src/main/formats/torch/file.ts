/**
 * A PyTorch checkpoint (`torch.save`): a zip archive with one pickle and one member for each storage. Read as data, never
 * executed. Only the storages of the state_dict are read. Not here: which model the tensors are.
 */
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { elementCount } from '#shared/domain/models/shapes.ts';
import { nameList } from '#shared/domain/short-text.ts';
import { readWhole, type Member } from '../files/bytes.ts';
import { bfloatToFloat, halfToFloat } from '../columns/half.ts';
import { PickledDict, type PickleValue } from '../pickle/values.ts';
import { readPickle } from '../pickle/read.ts';
import { listMembers } from '../files/zip.ts';
import { refuseImplausibleRatio } from '../columns/table.ts';
import { toPlain, type Plain } from '../pickle/plain.ts';
import { PickledTensor, TORCH_VOCABULARY, type StorageType } from './vocabulary.ts';

const MAX_PICKLE_BYTES = 64 << 20;
const MAX_STORAGE_BYTES = 2 ** 31;

/** Where trainers put the weights; a checkpoint may also be the state_dict itself. */
const STATE_DICT_KEYS = ['model_state_dict', 'state_dict', 'model', 'net', 'weights'];

export interface TorchFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Everything beside the weights, as JSON: args, history, epoch … */
  readonly rest: Readonly<Record<string, Plain>>;
}

/** A tensor that has not been read. */
export interface StoredTensor {
  readonly shape: readonly number[];
  /** e.g. `float32`, `int64`. */
  readonly dtype: string;
  /** Its elements in row-major order as float32. Throws UNSUPPORTED_DTYPE where they are not floats. */
  read(): Promise<Float32Array>;
}

/** Reads the pickle only; the tensors can be read as long as `handle` is open. */
export async function readTorchFile(handle: FileHandle, fileBytes: number, path: string): Promise<TorchFile> {
  const file = basename(path);
  const members = await listMembers(handle, fileBytes, file);
  const pickle = members.find(({ name }) => /(^|\/)data\.pkl$/.test(name));
  if (!pickle) throw unusable(file, 'it is a zip archive without data.pkl', 'Save it with torch.save.');
  const root = pickle.name.slice(0, -'data.pkl'.length);
  if (members.some(({ name }) => name === `${root}constants.pkl`)) {
    throw unusable(file, 'it is a TorchScript program', 'Save its state_dict() with torch.save and take that file.');
  }
  await refuseBigEndian(members, root, file);
  const value = unpickle(await readWhole(pickle, MAX_PICKLE_BYTES), pickle.place);
  const { state, rest } = splitCheckpoint(value, file);
  const storages = new StorageReader(new Map(members.map((member) => [member.name, member])), root, file);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of state) {
    const { shape, storage } = tensor;
    tensors.set(name, { shape, dtype: storage.type, read: () => storages.read(name, tensor) });
  }
  return { tensors, rest };
}

async function refuseBigEndian(members: readonly Member[], root: string, file: string): Promise<void> {
  const order = members.find(({ name }) => name === `${root}byteorder`);
  if (!order || Buffer.from(await readWhole(order, 64)).toString('latin1') === 'little') return;
  throw unusable(file, 'its numbers are big-endian', 'Save it again on a little-endian machine.');
}

/** As `readPickle`, with a remedy for checkpoints. */
function unpickle(bytes: Uint8Array, place: string): PickleValue {
  try {
    return readPickle(bytes, place, TORCH_VOCABULARY);
  } catch (error) {
    if (!isNextvecError(error)) throw error;
    throw new NextvecError('PICKLE_REFUSED', error.message, {
      remedy:
        'Nothing was executed. If you trust where the file comes from, load it in PyTorch and save only ' +
        '{"model_state_dict": model.state_dict(), "args": vars(args), "history": history}; otherwise delete it.',
      details: { place },
      cause: error,
    });
  }
}

interface Split {
  readonly state: ReadonlyMap<string, PickledTensor>;
  readonly rest: Readonly<Record<string, Plain>>;
}

function splitCheckpoint(value: PickleValue, file: string): Split {
  if (!(value instanceof PickledDict)) {
    throw unusable(file, 'it holds no dict', 'Save a dict with model_state_dict, or the state_dict itself.');
  }
  for (const key of STATE_DICT_KEYS) {
    const inner = value.get(key);
    const state = inner instanceof PickledDict ? tensorsOf(inner) : null;
    if (!state) continue;
    const rest = new PickledDict();
    value.keys.forEach((name, i) => {
      const isLarge = name === key || (typeof name === 'string' && /optim|scheduler|scaler/.test(name));
      if (!isLarge) rest.set(name, value.values[i]);
    });
    return { state, rest: toPlain(rest) as Record<string, Plain> };
  }
  const state = tensorsOf(value);
  if (state) return { state, rest: {} };
  const keys = nameList(value.keys.filter((key) => typeof key === 'string'));
  throw unusable(file, `none of its keys holds a state_dict (${keys})`, 'Save the weights as model_state_dict.');
}

/** The tensors of a dict of nothing but tensors; null: it is no state_dict. */
function tensorsOf(dict: PickledDict): Map<string, PickledTensor> | null {
  const tensors = new Map<string, PickledTensor>();
  for (const [i, name] of dict.keys.entries()) {
    const tensor = dict.values[i];
    if (typeof name !== 'string' || !(tensor instanceof PickledTensor)) return null;
    tensors.set(name, tensor);
  }
  return tensors.size > 0 ? tensors : null;
}

const FLOAT_BYTES = { float16: 2, bfloat16: 2, float32: 4, float64: 8 } as const;
type FloatType = keyof typeof FLOAT_BYTES;

function isFloat(type: StorageType): type is FloatType {
  return Object.hasOwn(FLOAT_BYTES, type);
}

/** Storages as float32; the last one is kept, since neighbours often share it. */
class StorageReader {
  private readonly members: ReadonlyMap<string, Member>;
  private readonly root: string;
  private readonly file: string;
  private last: { key: string; values: Float32Array } | null = null;

  constructor(members: ReadonlyMap<string, Member>, root: string, file: string) {
    this.members = members;
    this.root = root;
    this.file = file;
  }

  async read(name: string, tensor: PickledTensor): Promise<Float32Array> {
    const { key, type, elements } = tensor.storage;
    if (!isFloat(type)) throw notFloats(`${this.file}: ${name}`, type);
    if (elementCount(tensor.shape) > elements) {
      const why = `its shape (${tensor.shape.join(', ')}) has more elements than its storage, which holds ${elements}`;
      throw new NextvecError('HEADER_MISMATCH', `${this.file}: ${name}: ${why}.`, {
        remedy: 'Save the tensor itself, not an expanded view: tensor.contiguous().',
        details: { place: this.file, where: name },
      });
    }
    if (this.last?.key !== key) this.last = { key, values: await this.storage(key, type, elements, name) };
    return gather(this.last.values, tensor);
  }

  private async storage(key: string, type: FloatType, elements: number, name: string): Promise<Float32Array> {
    const member = this.members.get(`${this.root}data/${key}`);
    const needed = elements * FLOAT_BYTES[type];
    if (!member || member.sizeBytes !== needed) {
      const there = member ? `${member.sizeBytes} bytes instead of ${needed}` : 'no bytes';
      throw new NextvecError('HEADER_MISMATCH', `${this.file}: ${name}: its storage data/${key} has ${there}.`, {
        remedy: 'Copy the file again, or save it anew.',
        details: { place: this.file, where: name },
      });
    }
    const { place, sizeBytes: bytes, storedBytes } = member;
    refuseImplausibleRatio({ place, bytes, storedBytes });
    return toFloat32(await readWhole(member, MAX_STORAGE_BYTES), type, elements);
  }
}

function toFloat32(bytes: Uint8Array<ArrayBuffer>, type: FloatType, elements: number): Float32Array {
  const { buffer, byteOffset } = bytes;
  if (type === 'float32') return new Float32Array(buffer, byteOffset, elements);
  const values = new Float32Array(elements);
  if (type === 'float64') values.set(new Float64Array(buffer, byteOffset, elements));
  else if (type === 'bfloat16') bfloatToFloat(new Uint16Array(buffer, byteOffset, elements), values, elements);
  else halfToFloat(new Uint16Array(buffer, byteOffset, elements), 0, values, 0, elements);
  return values;
}

/** The tensor's elements in row-major order; a copy. */
function gather(values: Float32Array, { offset, shape, stride }: PickledTensor): Float32Array {
  const data = new Float32Array(elementCount(shape));
  const place = new Uint32Array(shape.length);
  let at = offset;
  for (let i = 0; i < data.length; i++) {
    data[i] = values[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += stride[axis];
      if (++place[axis] < shape[axis]) break;
      at -= stride[axis] * shape[axis];
      place[axis] = 0;
    }
  }
  return data;
}

export function notFloats(place: string, dtype: string): NextvecError {
  return new NextvecError('UNSUPPORTED_DTYPE', `${place}: weights of type ${dtype} are not read.`, {
    remedy: 'Save the weights as float16, bfloat16, float32 or float64.',
    details: { place },
  });
}

function unusable(file: string, why: string, remedy: string): NextvecError {
  return new NextvecError('BAD_CHECKPOINT', `${file} cannot be read as a PyTorch checkpoint: ${why}.`, {
    remedy,
    details: { place: file },
  });
}
