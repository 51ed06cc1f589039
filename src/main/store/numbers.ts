/** Numbers by which a person calls runs and plans. One that was given out is never given out again. */
import type { Db } from './database.ts';

/** Call it in the transaction that stores what gets the number. */
export function takeNumber(db: Db, what: 'run' | 'plan'): number {
  return db
    .prepare<[string], number>('UPDATE numbers SET last = last + 1 WHERE what = ? RETURNING last')
    .pluck()
    .get(what) as number;
}
