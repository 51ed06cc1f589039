/**
 * What every procedure of main is made with: the contract, its errors, and the checks of calls under way, write access and
 * files.
 */
import { implement } from '@orpc/server';
import type { CallMeta } from '#shared/contract/call.ts';
import { contract } from '#shared/contract/index.ts';
import { lockedBy, type Home } from '../store/home.ts';
import type { CallContext } from '../wire/call-limit.ts';
import { toWireError } from '../wire/errors.ts';
import { requireReadable } from './input-files.ts';

/** The storage folder a mutation of the contract needs to own. */
type Folder = Pick<Home, 'access' | 'path'>;

/**
 * Before the input is validated, mutations are refused with LOCKED in a folder opened by a reader, and files outside
 * `roots` with NO_PERMISSION (null: any file may be read).
 */
export function implementer(home: Pick<Home, 'access' | 'path' | 'db'>, roots: readonly string[] | null) {
  return implement(contract)
    .$context<CallContext>()
    .use(async ({ next }) => {
      try {
        return await next();
      } catch (error) {
        throw toWireError(error);
      }
    })
    .use(({ next, context: { calls } }) => (calls ? calls.run(async () => next()) : next()))
    .use(async ({ next, procedure }, input) => {
      const { access, files = [] }: CallMeta = procedure['~orpc'].meta;
      if (access !== 'anyone') requireOwner(home);
      await requireReadable(home, roots, input, files);
      return next();
    });
}

export type Procedures = ReturnType<typeof implementer>;

function requireOwner({ access, path }: Folder): void {
  if (access === 'owner') return;
  throw lockedBy(path);
}
