/** `queue`: lists, changes and works off the queue of plans. */
import type { Command } from 'commander';
import type { Plan, Queue, QueueItem } from '#shared/contract/plans.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { withInterval } from '#shared/domain/evaluation/interval.ts';
import { figure, signed } from '#shared/domain/figures.ts';
import type { GateMetric } from '#shared/domain/recipe/recipe.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { followQueue, planEvent } from '../follow-queue.ts';
import { HOLD_FLAG, HOLD_HELP, readHolds } from '../flags/hold-flag.ts';
import type { Output } from '../output.ts';
import { PARALLEL_FLAG, PARALLEL_HELP, readParallel } from '../flags/parallel-flag.ts';
import { addRecipeFlags, readChanges, type FlagValues } from '../flags/recipe-flags.ts';
import { withSession, type Session } from '../session.ts';
import { printSweep } from './sweep.ts';

interface QueueFlags extends FlagValues {
  readonly plan?: string;
  readonly before?: string;
  readonly first?: boolean;
  readonly last?: boolean;
  readonly hold?: string[];
  readonly parallel?: string;
}

const ACTIONS = ['list', 'run', 'show', 'pause', 'resume', 'skip', 'retry', 'move', 'remove'] as const;
type Action = (typeof ACTIONS)[number];

export function addQueueCommand(program: Command, context: CommandContext): void {
  addRecipeFlags(
    program
      .command('queue [ACTION] [ITEM]')
      .description(`${ACTIONS.join(', ')}; ITEM is its number or PLAN.KEY; recipe flags and --hold are for retry`)
      .option('--plan <N>', 'pause, resume or remove a whole plan')
      .option('--before <ITEM>', 'move: before this item')
      .option('--first', 'move: to the front')
      .option('--last', 'move: to the end')
      .option(PARALLEL_FLAG, `run: ${PARALLEL_HELP}`)
      .option(HOLD_FLAG, HOLD_HELP),
  ).action((action: string | undefined, item: string | undefined, flags: QueueFlags) =>
    context.run((out) => queue(context, readAction(action ?? 'list'), item, flags, out)),
  );
}

function readAction(word: string): Action {
  const action = ACTIONS.find((name) => name === word);
  if (action !== undefined) return action;
  throw new NextvecError('BAD_INPUT', `There is no queue action "${word}".`, {
    remedy: `Choose one of ${ACTIONS.join(', ')}.`,
  });
}

/** Waits until nothing in the queue trains; returns the outcome of one plan, or of all. */
export async function workOff({ client }: Session, planId: number | null, out: Output): Promise<number> {
  const { queue: state, wasInterrupted } = await followQueue(client, out);
  const shown = state.plans.filter(({ id }) => planId === null || id === planId);
  const result = planId === null ? { type: 'queue', plans: shown.map(planEvent) } : planEvent(shown[0]);
  out.result(result, () => printPlans(shown, out));
  if (wasInterrupted) return EXIT.interrupted;
  return shown.every(({ status }) => status !== 'stopped') ? EXIT.done : EXIT.failed;
}

function queue(
  context: CommandContext,
  action: Action,
  handle: string | undefined,
  flags: QueueFlags,
  out: Output,
): Promise<number> {
  const parallel = readParallel(flags.parallel);
  const access = action === 'list' || action === 'show' ? 'any' : 'owner';
  const work = async (session: Session): Promise<number> => {
    const { client } = session;
    if (action === 'run') return workOff(session, null, out);
    const state = await client.plans.queue();
    if (action === 'show') return show(session, findItem(state, handle), out);
    if (action !== 'list') await change(session, state, action, handle, flags);
    const after = await client.plans.queue();
    out.result({ type: 'queue', plans: after.plans.map(planEvent), order: after.order }, () => {
      printPlans(after.plans, out);
      if (action === 'retry' || action === 'resume') out.line('To go on: nextvec queue run');
    });
    return EXIT.done;
  };
  return withSession(context.options(), out, access, work, { runsQueue: action === 'run', parallel });
}

async function change(
  { client }: Session,
  state: Queue,
  action: Exclude<Action, 'list' | 'run' | 'show'>,
  handle: string | undefined,
  flags: QueueFlags,
): Promise<void> {
  const planId = flags.plan === undefined ? null : readPlan(state, flags.plan);
  if (action === 'remove') {
    if (planId === null) throw usage('remove needs --plan N.');
    await client.plans.remove({ planId });
  } else if (action === 'pause' || action === 'resume') {
    const itemId = handle === undefined ? null : findItem(state, handle).id;
    await client.plans[action]({ planId: itemId === null ? planId : null, itemId });
  } else {
    const { id: itemId } = findItem(state, handle);
    if (action === 'skip') await client.plans.skip({ itemId });
    else if (action === 'retry')
      await client.plans.retry({ itemId, changes: readChanges(flags), gates: readHolds(flags.hold) });
    else await client.plans.move({ itemId, beforeId: readPlace(state, itemId, flags) });
  }
}

function usage(message: string): NextvecError {
  return new NextvecError('BAD_INPUT', message, { remedy: 'nextvec queue --help lists what each action needs.' });
}

function readPlan(state: Queue, word: string): number {
  const found = state.plans.find(({ id }) => String(id) === word);
  if (found !== undefined) return found.id;
  throw new NextvecError('NOT_FOUND', `There is no plan ${word}.`, { remedy: '"nextvec queue" lists the plans.' });
}

function readPlace(state: Queue, itemId: number, { before, first, last }: QueueFlags): number | null {
  if (before !== undefined) return findItem(state, before).id;
  if (first) return state.order.find((id) => id !== itemId) ?? null;
  if (last) return null;
  throw usage('move needs --before ITEM, --first or --last.');
}

/** By number, by "3.amn" (plan and key), or by a key only one item has. */
function findItem(state: Queue, handle: string | undefined): QueueItem {
  if (handle === undefined) throw usage('Name an item: its number, or PLAN.KEY.');
  const items = state.plans.flatMap((one) => one.items);
  const found = items.filter(
    (item) => String(item.id) === handle || `${item.planId}.${item.key}` === handle || item.key === handle,
  );
  if (found.length === 1) return found[0];
  const why =
    found.length === 0 ? `There is no item "${handle}" in the queue.` : `Several items are called "${handle}".`;
  throw new NextvecError('NOT_FOUND', why, { remedy: '"nextvec queue" lists the items with their numbers.' });
}

async function show({ client }: Session, item: QueueItem, out: Output): Promise<number> {
  if (item.item.kind === 'sweep') {
    printSweep(await client.plans.sweep({ itemId: item.id }), item, out);
    return EXIT.done;
  }
  out.result(item, () => {
    out.line(`Item ${item.id} ${item.key} of plan ${item.planId}, ${item.title}: ${item.status}. ${item.reason}`);
    if (item.recipe) out.line(JSON.stringify(item.recipe));
  });
  return EXIT.done;
}

function printPlans(plans: readonly Plan[], out: Output): void {
  if (plans.length === 0)
    out.line('The queue is empty. Start one: nextvec plan --template recover --data sample --ood sample');
  for (const { id, name, status, items } of plans) {
    out.line();
    out.line(`Plan ${id} ${name}: ${status}`);
    out.table(items, [
      { title: 'item', value: (item) => String(item.id), align: 'right' },
      { title: 'key', value: (item) => item.key },
      { title: 'what', value: (item) => item.title },
      { title: 'status', value: (item) => item.status },
      { title: 'run', value: (item) => (item.runNumber === null ? null : `#${item.runNumber}`) },
      { title: 'validation', value: figureOf('valCosine', figure), align: 'right' },
      { title: 'lift', value: figureOf('valLift', signed), align: 'right' },
      { title: 'OOD', value: figureOf('oodCosine', figure), align: 'right' },
      { title: 'OOD lift', value: figureOf('oodLift', signed), align: 'right' },
      { title: '', value: (item) => item.reason },
    ]);
  }
}

/** A figure with its interval; null where it was not measured. */
function figureOf(metric: GateMetric, show: typeof figure): (item: QueueItem) => string | null {
  return ({ figures, intervals }) => {
    const value = figures?.[metric] ?? null;
    return value === null ? null : withInterval(value, intervals?.[metric], show);
  };
}
