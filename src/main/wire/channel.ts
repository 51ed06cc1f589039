/** An unbounded queue between a callback that pushes and one async reader. Nothing is dropped. */

export class Channel<T> {
  private readonly values: T[] = [];
  private ending: { readonly error: unknown } | 'done' | null = null;
  private wake: (() => void) | null = null;

  push(value: T): void {
    if (this.ending !== null) return;
    this.values.push(value);
    this.wake?.();
  }

  end(): void {
    this.ending ??= 'done';
    this.wake?.();
  }

  fail(error: unknown): void {
    this.ending ??= { error };
    this.wake?.();
  }

  /** Yields everything pushed, in order, until `end`; throws the error given to `fail`. For one reader. */
  async *read(): AsyncGenerator<T, void, undefined> {
    for (;;) {
      while (this.values.length > 0) yield this.values.shift() as T;
      if (this.ending === 'done') return;
      if (this.ending !== null) throw this.ending.error;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
