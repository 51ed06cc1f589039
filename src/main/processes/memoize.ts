/** Results of worker calls kept in memory: about stored data sets and checkpoints, which never change. */

/** Keeps the `capacity` most recently used values. */
export class LruCache<T> {
  private readonly capacity: number;
  /** In order of use, the most recent last. */
  private readonly values = new Map<string, T>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get(key: string): T | undefined {
    const value = this.values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.values.delete(key);
    this.values.set(key, value);
    const [oldest] = this.values.keys();
    if (this.values.size > this.capacity) this.values.delete(oldest);
  }

  delete(key: string): void {
    this.values.delete(key);
  }
}

/** The cached promise of `key`, or `work` started now. Concurrent callers share it; a rejected one is not kept. */
export function memoize<T>(cache: LruCache<Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const cached = cache.get(key);
  if (cached) return cached;
  const started = work();
  cache.set(key, started);
  started.catch(() => cache.delete(key));
  return started;
}
