/** Position of each hyperparameter in the block that kernels read, in words of 4 bytes. */
import { Hyper } from './abi/hyper.ts';
import { fieldIndices, fieldNames } from './struct.ts';

export const HYPER = fieldIndices(Hyper);
export const HYPER_WORDS = fieldNames(Hyper).length;
