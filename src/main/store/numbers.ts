/** Numbers of runs and plans, as users write them. A number is never reused. */
import type { Db } from './database.ts';

/** Call it in the transaction that stores the numbered row. */
export function takeNumber(db: Db, what: 'run' | 'plan'): number {
  return db
    .prepare<[string], number>('UPDATE numbers SET last = last + 1 WHERE what = ? RETURNING last')
    .pluck()
    .get(what) as number;
}
