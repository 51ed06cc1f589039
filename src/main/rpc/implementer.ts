/** What every procedure of main is made with: the contract, its errors, and the check that only the owner writes. */
import { implement } from '@orpc/server';
import type { CallMeta } from '#shared/contract/call.ts';
import { contract } from '#shared/contract/index.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Home } from '../store/home.ts';
import { toWireError } from '../wire/errors.ts';

/** The storage folder a mutation of the contract needs to own. */
type Folder = Pick<Home, 'access' | 'path'>;

/** Mutations are refused with LOCKED, before their input is validated, in a folder opened by a reader. */
export function implementer(folder: Folder) {
  return implement(contract)
    .use(async ({ next }) => {
      try {
        return await next();
      } catch (error) {
        throw toWireError(error);
      }
    })
    .use(({ next, procedure }) => {
      const { access }: CallMeta = procedure['~orpc'].meta;
      if (access === 'owner') requireOwner(folder);
      return next();
    });
}

export type Procedures = ReturnType<typeof implementer>;

function requireOwner({ access, path }: Folder): void {
  if (access === 'owner') return;
  throw new NextvecError('LOCKED', `The storage folder ${path} is open in another Nextvec; here it can only be read.`, {
    remedy: 'Do this in the Nextvec that has it open, or quit that one first.',
    details: { place: path },
  });
}
