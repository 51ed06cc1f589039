/** The two kinds of procedure of main. Both declare the contract's errors; the kind says who may call. */
import { oc } from '@orpc/contract';
import { CONTRACT_ERRORS } from './errors.ts';

export interface CallMeta {
  /** `owner`: refused with LOCKED where the storage folder is only read beside its owner. `anyone`: answered there too. */
  readonly access: 'owner' | 'anyone';
}

/** Changes what is stored; only the owner of the storage folder may call it. */
export const mutation = oc.$meta<CallMeta>({ access: 'owner' }).errors(CONTRACT_ERRORS);
/** Reads, computes or writes to `exports/`, and leaves what is stored alone. */
export const query = mutation.meta({ access: 'anyone' });
