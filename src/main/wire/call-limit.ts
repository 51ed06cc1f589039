/** How many calls of one connection may be under way; a stream counts until it ends. */
import { AsyncIteratorClass } from '@orpc/server';
import { NextvecError } from '#shared/domain/errors.ts';

/** A page that compares 100 runs, the most, asks for each of them at once, and again for their curves. */
const MOST_CALLS = 256;

/** What a transport gives with each call. */
export interface CallContext {
  /** Of the call's connection; absent: any number of calls. */
  readonly calls?: CallLimit;
}

export class CallLimit {
  readonly #most: number;
  #underWay = 0;

  constructor(most = MOST_CALLS) {
    this.#most = most;
  }

  /** Runs `work` as one of the calls. Throws TOO_MANY when as many as allowed are under way. */
  async run<R extends { readonly output: unknown }>(work: () => Promise<R>): Promise<R> {
    if (this.#underWay >= this.#most) {
      throw new NextvecError('TOO_MANY', `${this.#most} calls of this connection are under way already.`, {
        remedy: 'Wait until some of them have ended, then try again.',
      });
    }
    this.#underWay++;
    let isStream = false;
    try {
      const result = await work();
      const { output } = result;
      if (!(output instanceof AsyncIteratorClass)) return result;
      isStream = true;
      return { ...result, output: this.#countedStream(output) };
    } finally {
      if (!isStream) this.#underWay--;
    }
  }

  #countedStream(stream: AsyncIteratorClass<unknown, unknown, unknown>): typeof stream {
    return new AsyncIteratorClass(
      () => stream.next(),
      async () => {
        this.#underWay--;
        await stream.return(undefined);
      },
    );
  }
}
