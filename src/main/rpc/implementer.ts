/**
 * What every procedure of main is made with: the contract, its errors, and the checks of calls under way, write access and
 * files.
 */
import { implement, ORPCError } from '@orpc/server';
import type { CallMeta } from '#shared/contract/call.ts';
import { contract } from '#shared/contract/index.ts';
import { isNextvecError, NextvecError } from '#shared/domain/errors.ts';
import { lockedBy, type Home } from '../store/home.ts';
import type { CallContext } from '../wire/call-limit.ts';
import { toWireError } from '../wire/errors.ts';
import { requireReadable } from './input-files.ts';

/** The storage folder a mutation of the contract needs to own. */
type Folder = Pick<Home, 'access' | 'path'>;

export interface CallRules {
  readonly home: Pick<Home, 'access' | 'path' | 'db'>;
  /** Folders whose files may be read; null: any file. */
  readonly roots: readonly string[] | null;
  /** Whether closing has begun: the history and the data workers may be gone. */
  readonly isClosing: () => boolean;
}

/**
 * Before the input is validated, mutations are refused with LOCKED in a folder opened by a reader, and files outside
 * `roots` with NO_PERMISSION. A call that closing cuts off is CANCELLED.
 */
export function implementer({ home, roots, isClosing }: CallRules) {
  return implement(contract)
    .$context<CallContext>()
    .use(async ({ next }) => {
      try {
        return await next();
      } catch (error) {
        throw toWireError(isClosing() ? cutOff(error) : error);
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

/** CANCELLED for an error without a code, such as that of a closed database or an ended worker. */
function cutOff(error: unknown): unknown {
  if (isNextvecError(error) || error instanceof ORPCError) return error;
  return new NextvecError('CANCELLED', 'Nextvec was closed before the call ended.', { cause: error });
}

function requireOwner({ access, path }: Folder): void {
  if (access === 'owner') return;
  throw lockedBy(path);
}
