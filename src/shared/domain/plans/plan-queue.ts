/** Rules of the queue: which item may start next, what blocks one, what a person sees of its state. Pure. */

export const ITEM_STATUSES = ['waiting', 'running', 'done', 'missed', 'failed', 'skipped'] as const;
export type ItemStatus = (typeof ITEM_STATUSES)[number];

/** What a person sees of an item: `blocked` waits for one that missed or failed, `held` was paused by hand. */
export const SHOWN_STATUSES = [...ITEM_STATUSES, 'blocked', 'held'] as const;
export type ShownStatus = (typeof SHOWN_STATUSES)[number];

export interface QueueItem {
  readonly id: number;
  readonly key: string;
  readonly planId: number;
  readonly status: ItemStatus;
  readonly isHeld: boolean;
  readonly needs: readonly string[];
}

/** Items of the same plan this one still waits for. */
export function unmet<Q extends QueueItem>(item: QueueItem, queue: readonly Q[]): Q[] {
  return queue.filter(
    (other) =>
      other.planId === item.planId &&
      item.needs.includes(other.key) &&
      other.status !== 'done' &&
      other.status !== 'skipped',
  );
}

/** The item at which the way of `item` ends, or null while it may still start. */
export function obstacle<Q extends QueueItem>(item: Q, queue: readonly Q[]): Q | null {
  for (const other of unmet(item, queue)) {
    if (other.status === 'missed' || other.status === 'failed') return other;
    const further = other.status === 'waiting' ? obstacle(other, queue) : null;
    if (further !== null) return further;
  }
  return null;
}

export function shownStatus<Q extends QueueItem>(item: Q, queue: readonly Q[], planPaused: boolean): ShownStatus {
  if (item.status !== 'waiting' && item.status !== 'running') return item.status;
  if (item.isHeld || planPaused) return 'held';
  return item.status === 'waiting' && obstacle(item, queue) !== null ? 'blocked' : item.status;
}

/** The first item of the queue that waits for no other and that `mayStart`, or null. */
export function nextReady<Q extends QueueItem>(queue: readonly Q[], mayStart: (item: Q) => boolean): Q | null {
  const isReady = (item: Q) => item.status === 'waiting' && !item.isHeld && unmet(item, queue).length === 0;
  return queue.find((item) => isReady(item) && mayStart(item)) ?? null;
}
