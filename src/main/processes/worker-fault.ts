/** Errors of calls whose data worker has ended: they name the cause. */
import { ORPCError, type ClientContext, type ClientLink } from '@orpc/client';
import { MORE_MEMORY, NextvecError } from '#shared/domain/errors.ts';
import { codeOf } from '#shared/domain/thrown.ts';

export interface WorkerLife {
  readonly heapMb: number;
  /** The connection to the worker is closed. */
  isOver(): boolean;
  /** Resolves when the thread has ended: to what it threw, or null when it was ended from here. */
  readonly fault: Promise<unknown>;
}

/** The file or folder a call is about. */
function placeOf(input: unknown): string | null {
  const { path, folder, runFolder } = (input ?? {}) as Readonly<Record<string, unknown>>;
  return [path, folder, runFolder].find((place) => typeof place === 'string') ?? null;
}

function outOfMemory(input: unknown, heapMb: number, cause: unknown): NextvecError {
  const place = placeOf(input);
  const what = `reading and computing needs more than the ${heapMb.toLocaleString('en-US')} MB of memory a data worker has`;
  return new NextvecError('OUT_OF_MEMORY', `${place === null ? '' : `${place}: `}${what}.`, {
    remedy: MORE_MEMORY,
    details: { place },
    cause,
  });
}

/** `link` with errors of a worker that ran out of memory (OUT_OF_MEMORY) or threw outside of a call. */
export function withWorkerFaults<Context extends ClientContext>(
  link: ClientLink<Context>,
  life: WorkerLife,
): ClientLink<Context> {
  const explain = async (error: unknown, input: unknown): Promise<unknown> => {
    if (error instanceof ORPCError || !life.isOver()) return error;
    const fault = await life.fault;
    const isOutOfMemory = codeOf(fault) === 'ERR_WORKER_OUT_OF_MEMORY';
    return isOutOfMemory ? outOfMemory(input, life.heapMb, fault) : (fault ?? error);
  };
  async function* events(output: AsyncIterable<unknown>, input: unknown): AsyncGenerator {
    try {
      yield* output;
    } catch (error) {
      throw await explain(error, input);
    }
  }
  return {
    async call(path, input, options) {
      try {
        const output = await link.call(path, input, options);
        return isIterable(output) ? events(output, input) : output;
      } catch (error) {
        throw await explain(error, input);
      }
    },
  };
}

function isIterable(output: unknown): output is AsyncIterable<unknown> {
  return typeof output === 'object' && output !== null && Symbol.asyncIterator in output;
}
