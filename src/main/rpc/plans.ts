/** `plans.*`: the contract's calls on the queue of plans. */
import { requireOwner, type Services } from './context.ts';
import { procedures } from './implementer.ts';
import { eventStream } from '../wire/stream.ts';

export function plansRouter(services: Services) {
  const service = services.plans;
  const { plans } = procedures;
  const owner = (): void => requireOwner(services);
  return plans.router({
    queue: plans.queue.handler(() => service.queue()),
    watch: plans.watch.handler(({ signal }) => eventStream((cancelled) => service.watch(cancelled), signal)),
    create: plans.create.handler(({ input }) => (owner(), service.create(input))),
    pause: plans.pause.handler(({ input }) => (owner(), service.pause(input))),
    resume: plans.resume.handler(({ input }) => (owner(), service.resume(input))),
    skip: plans.skip.handler(({ input }) => (owner(), service.skip(input.itemId))),
    retry: plans.retry.handler(({ input }) => (owner(), service.retry(input.itemId, input))),
    move: plans.move.handler(({ input }) => (owner(), service.move(input.itemId, input.beforeId))),
    remove: plans.remove.handler(({ input }) => (owner(), service.remove(input.planId))),
    sweep: plans.sweep.handler(({ input }) => service.sweep(input.itemId)),
  });
}
