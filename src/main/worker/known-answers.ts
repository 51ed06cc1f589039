/**
 * Answers about stored data sets and checkpoints, which never change: worked out once, kept for as long as the program
 * runs. Not here: who works them out.
 */
export class KnownAnswers<T> {
  private readonly most: number;
  /** The newest last. */
  private readonly known = new Map<string, T>();

  /** Keeps the `most` that were asked for last. */
  constructor(most: number) {
    this.most = most;
  }

  get(key: string): T | undefined {
    const answer = this.known.get(key);
    if (answer !== undefined) this.set(key, answer);
    return answer;
  }

  set(key: string, answer: T): void {
    this.known.delete(key);
    this.known.set(key, answer);
    const [oldest] = this.known.keys();
    if (this.known.size > this.most) this.known.delete(oldest);
  }

  delete(key: string): void {
    this.known.delete(key);
  }
}

/** One piece of work for all who ask for it, at once or later; one that failed is begun again. */
export function workOutOnce<T>(known: KnownAnswers<Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const under = known.get(key);
  if (under) return under;
  const begun = work();
  known.set(key, begun);
  begun.catch(() => known.delete(key));
  return begun;
}
