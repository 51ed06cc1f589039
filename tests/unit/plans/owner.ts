/** A Nextvec process to be killed: queues a plan and sends a message once it is running. */
import { openNextvec } from '../../support/open.ts';
import type { PlanSpec } from '#shared/domain/plans/plans.ts';

const [home, spec, parallel] = process.argv.slice(2);
const { client } = await openNextvec(home, {
  checkpointEveryMs: 100,
  runsQueue: true,
  parallel: Number(parallel),
});
const plan = await client.plans.create(JSON.parse(spec) as PlanSpec);
process.once('disconnect', () => process.exit());
for await (const { plans } of await client.plans.watch()) {
  const item = plans.find(({ id }) => id === plan.id)?.items[0];
  if ((item?.progress ?? 0) > 0.2) break;
}
process.send?.('under way');
