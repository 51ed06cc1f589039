/** Follows the queue until nothing trains or it is interrupted; prints the outcome of each item. */
import type { NextvecClient } from '#shared/contract/index.ts';
import type { Plan, Queue, QueueItem } from '#shared/contract/plans.ts';
import { Interruption } from './interruption.ts';
import type { Output } from './output.ts';

function itemEvent(item: QueueItem): object {
  const { id: itemId, planId, key, title, status, reason, runId, runNumber, figures, intervals, reportPath } = item;
  const run = { runId, runNumber, figures, intervals, reportPath };
  return { type: 'item', itemId, planId, key, title, status, reason, ...run };
}

export function planEvent({ id, name, status, items }: Plan): object {
  return { type: 'plan', planId: id, name, status, items: items.map(itemEvent) };
}

export interface Followed {
  readonly queue: Queue;
  readonly wasInterrupted: boolean;
}

/** Whether the queue still makes progress by itself. */
function isBusy({ plans }: Queue): boolean {
  return plans.some(({ items }) => items.some(({ status }) => status === 'running'));
}

export async function followQueue(client: NextvecClient, out: Output): Promise<Followed> {
  const interruption = new Interruption();
  interruption.instead(() => {
    out.progress('Saving; "nextvec queue run" goes on from here.', true);
    interruption.abort();
  });
  try {
    const printed = new Map<number, string>();
    for await (const queue of await client.plans.watch(undefined, { signal: interruption.signal })) {
      report(queue, printed, out);
      if (!isBusy(queue)) break;
    }
    return { queue: await client.plans.queue(), wasInterrupted: interruption.happened };
  } finally {
    interruption.dispose();
  }
}

function report({ plans }: Queue, printed: Map<number, string>, out: Output): void {
  const progress: string[] = [];
  for (const item of plans.flatMap(({ items }) => items)) {
    const state = `${item.status} ${item.reason}`;
    if (printed.get(item.id) !== state) {
      const isChange = printed.has(item.id) || item.status === 'running';
      printed.set(item.id, state);
      if (isChange) {
        out.event(itemEvent(item));
        out.progress(`${item.planName}, ${item.key}: ${item.status}. ${item.reason}`.trimEnd(), true);
      }
    }
    if (item.status === 'running' && item.progress !== null) {
      const run = item.runNumber === null ? '' : ` (run #${item.runNumber})`;
      progress.push(`${item.planName}, ${item.title}${run}: ${Math.floor(100 * item.progress)} %`);
    }
  }
  if (progress.length > 0) out.progress(progress.join('; '));
}
