/** Where an array lies in its file: its type, shape and bytes. */
import type { Member } from '../files/bytes.ts';
import type { DType } from '../npy/header.ts';

export interface StoredArray {
  readonly name: string;
  /** File and array, for messages. */
  readonly place: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First axis fastest. */
  readonly fortran: boolean;
  /** Bytes before the first element. */
  readonly dataOffset: number;
  readonly member: Member;
}
