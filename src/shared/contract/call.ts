/** The two kinds of procedure of main. Both declare the contract's errors; the kind says who may call. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { CONTRACT_ERRORS } from './errors.ts';

export interface CallMeta {
  /** `owner`: refused with LOCKED where the storage folder is only read beside its owner. `anyone`: answered there too. */
  readonly access?: 'owner' | 'anyone';
  /**
   * Places in the input that name a file or folder to read: property names joined by dots, `*` for each item of a list.
   * A host that was given roots refuses paths outside them with NO_PERMISSION.
   */
  readonly files?: readonly string[];
}

/** Changes what is stored; only the owner of the storage folder may call it. */
export const mutation = oc.$meta<CallMeta>({ access: 'owner' }).errors(CONTRACT_ERRORS);
/** Reads, computes or writes to `exports/`, and leaves what is stored alone. */
export const query = mutation.meta({ access: 'anyone' });

/** Path of a file or folder; a procedure that takes one declares the place in `files`. */
export const FilePathSchema = z.string().min(1).max(4096);
