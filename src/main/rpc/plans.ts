/** `plans.*`: the contract's calls on the queue of plans. */
import type { PlanService } from '../plans/service.ts';
import { eventStream } from '../wire/stream.ts';
import type { Procedures } from './implementer.ts';

export function plansRouter({ plans }: Procedures, service: PlanService) {
  return plans.router({
    queue: plans.queue.handler(() => service.queue()),
    watch: plans.watch.handler(({ signal }) => eventStream((cancelled) => service.watch(cancelled), signal)),
    create: plans.create.handler(({ input }) => service.create(input)),
    pause: plans.pause.handler(({ input }) => service.pause(input)),
    resume: plans.resume.handler(({ input }) => service.resume(input)),
    skip: plans.skip.handler(({ input }) => service.skip(input.itemId)),
    retry: plans.retry.handler(({ input }) => service.retry(input.itemId, input)),
    move: plans.move.handler(({ input }) => service.move(input.itemId, input.beforeId)),
    remove: plans.remove.handler(({ input }) => service.remove(input.planId)),
    sweep: plans.sweep.handler(({ input }) => service.sweep(input.itemId)),
  });
}
