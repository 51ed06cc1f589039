/** Publishes changes of runs to subscribers. Live only: earlier events are in the store. */
import { EventPublisher } from '@orpc/server';
import type { RunChange, RunEvent } from '#shared/contract/runs.ts';

/** A watcher this far behind loses the oldest events rather than filling memory; its next `series` call has them all. */
const MAX_BUFFERED_EVENTS = 5000;

type Topics = { changes: RunChange } & Record<`run:${string}`, RunEvent>;

export class RunBus {
  private readonly publisher = new EventPublisher<Topics>({ maxBufferedEvents: MAX_BUFFERED_EVENTS });

  publishChange(change: RunChange): void {
    this.publisher.publish('changes', change);
  }

  publishEvent(runId: string, event: RunEvent): void {
    this.publisher.publish(`run:${runId}`, event);
  }

  changes(signal?: AbortSignal): AsyncGenerator<RunChange> {
    return this.publisher.subscribe('changes', { signal });
  }

  events(runId: string, signal?: AbortSignal): AsyncGenerator<RunEvent> {
    return this.publisher.subscribe(`run:${runId}`, { signal });
  }
}
