/** What every procedure of main is made with: the contract, and errors that leave as its NEXTVEC. */
import { implement } from '@orpc/server';
import { contract } from '#shared/contract/index.ts';
import { toWireError } from '../wire/errors.ts';

export const procedures = implement(contract).use(async ({ next }) => {
  try {
    return await next();
  } catch (error) {
    throw toWireError(error);
  }
});
