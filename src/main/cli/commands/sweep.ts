/** `sweep`: creates and runs a plan with one sweep; prints its table and the winner's gain over the plain recipe. */
import type { Command } from 'commander';
import type { QueueItem, Sweep, SweepMember } from '#shared/contract/plans.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { plural } from '#shared/domain/figures.ts';
import { parsePlan } from '#shared/domain/plans/plans.ts';
import { GATE_METRICS } from '#shared/domain/recipe/recipe.ts';
import {
  gainIn,
  notDistinguishable,
  SPREAD_NOTE,
  spreadText,
  SWEEP_FIGURES,
  winnerText,
} from '#shared/domain/plans/sweep-words.ts';
import { defaultMethod, fieldOf, SWEEP_METHODS, type Axis } from '#shared/domain/plans/sweeps.ts';
import { formatVary, parseVary } from '#shared/domain/plans/vary.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { followQueue, planEvent } from '../follow-queue.ts';
import { findData } from '../handles.ts';
import type { Output } from '../output.ts';
import { ON_FLAG, ON_HELP, readOn } from '../flags/on-flag.ts';
import { PARALLEL_FLAG, PARALLEL_HELP, readParallel } from '../flags/parallel-flag.ts';
import { addRecipeFlags, readChanges, type FlagValues } from '../flags/recipe-flags.ts';
import { withSession, type Session } from '../session.ts';

interface SweepFlags extends FlagValues {
  readonly data: string;
  readonly ood?: string;
  readonly vary: string[];
  readonly method?: string;
  readonly members: string;
  readonly seeds: string;
  readonly objective: string;
  readonly halving?: string;
  readonly name?: string;
  readonly parallel?: string;
  readonly on?: string;
  readonly queueOnly?: boolean;
}

export function addSweepCommand(program: Command, context: CommandContext): void {
  addRecipeFlags(
    program
      .command('sweep')
      .description('try many recipes with several seeds each; the other flags are the plain recipe')
      .requiredOption('--data <F>', 'training data: a file, an imported data set, or "sample"')
      .option('--ood <F>', 'out-of-distribution data: a file, an imported data set, or "sample"')
      .requiredOption(
        '--vary <AXIS...>',
        'FIELD=LOW..HIGH[:log][:STEPS] or FIELD=A,B,C; e.g. learningRate=1e-5..1e-3:log',
      )
      .option('--method <M>', `${SWEEP_METHODS.join('|')}; default: grid for few listed values, else tpe`)
      .option('--members <N>', 'recipes beside the plain one; a grid has as many as its points', '12')
      .option('--seeds <N>', 'runs of each recipe', '3')
      .option('--objective <M>', `${GATE_METRICS.join('|')}, as the mean over the seeds`, 'valLift')
      .option('--halving <ETA:EPOCHS>', 'first train all to EPOCHS; one in ETA goes on to ETA times as many')
      .option('--name <S>', 'name of the sweep')
      .option(PARALLEL_FLAG, PARALLEL_HELP)
      .option(ON_FLAG, ON_HELP)
      .option('--queue-only', 'only put it into the queue'),
  ).action((flags: SweepFlags) => context.run((out) => sweep(context, flags, out)));
}

function readAxis(word: string): Axis {
  try {
    return parseVary(word);
  } catch (error) {
    throw new NextvecError('BAD_INPUT', `--vary ${messageOf(error)}`, {
      remedy: 'For example --vary learningRate=1e-5..1e-3:log or --vary tau=0.05,0.07,0.1.',
      details: { place: '--vary' },
    });
  }
}

/** A word that is not a number stays text; the schema refuses it by field. */
function numeric(word: string): number | string {
  return word.trim() !== '' && Number.isFinite(Number(word)) ? Number(word) : word;
}

function specOf(flags: SweepFlags, dataset: string, ood: string | null) {
  const axes = flags.vary.map(readAxis);
  const [eta, firstEpochs] = (flags.halving ?? '').split(':').map(numeric);
  const value = {
    name: flags.name ?? `Sweep over ${axes.map(({ path }) => fieldOf(path).label).join(', ')}`,
    dataset,
    ood,
    on: readOn(flags.on),
    items: [
      {
        key: 'sweep',
        kind: 'sweep',
        recipe: readChanges(flags),
        sweep: {
          axes,
          method: flags.method ?? defaultMethod(axes, Number(flags.members)),
          members: numeric(flags.members),
          seeds: numeric(flags.seeds),
          objective: flags.objective,
          halving: flags.halving === undefined ? null : { eta, firstEpochs },
        },
      },
    ],
  };
  return parsePlan(value, null);
}

function sweep(context: CommandContext, flags: SweepFlags, out: Output): Promise<number> {
  const parallel = readParallel(flags.parallel);
  specOf(flags, '-', flags.ood === undefined ? null : '-');
  const work = async ({ client }: Session): Promise<number> => {
    const data = await findData(client, flags.data, 'train', out);
    const ood = flags.ood === undefined ? null : await findData(client, flags.ood, 'ood', out);
    const plan = await client.plans.create(specOf(flags, data.id, ood?.id ?? null));
    const [made] = plan.items;
    if (flags.queueOnly) {
      out.result(planEvent(plan), () => out.line(`Plan ${plan.id} "${plan.name}" is in the queue.`));
      return EXIT.done;
    }
    const { queue, wasInterrupted } = await followQueue(client, out);
    const item = queue.plans.flatMap(({ items }) => items).find(({ id }) => id === made.id) ?? made;
    printSweep(await client.plans.sweep({ itemId: made.id }), item, out);
    if (wasInterrupted) return EXIT.interrupted;
    return item.status === 'done' ? EXIT.done : EXIT.failed;
  };
  return withSession(context.options(), out, 'owner', work, { runsQueue: flags.queueOnly !== true, parallel });
}

/** The sweep as the last line of --json, or as a table. */
export function printSweep(state: Sweep, item: QueueItem, out: Output): void {
  const plain = state.members.find(({ member }) => member === 0) ?? null;
  const winner = state.members.find(({ member }) => member === state.winner) ?? null;
  const gain = Object.fromEntries(GATE_METRICS.map((metric) => [metric, gainIn(metric, winner, plain)]));
  const result = {
    type: 'sweep',
    itemId: item.id,
    planId: item.planId,
    status: item.status,
    reason: item.reason,
    objective: state.spec.objective,
    method: state.spec.method,
    rungs: state.rungs,
    members: state.members,
    plain,
    winner,
    indistinguishable: state.indistinguishable,
    gain,
    gainIntervals: state.gainIntervals,
    recipe: state.recipe,
    commandLine: state.commandLine,
  };
  out.result(result, () => {
    printMembers(state, out);
    out.line();
    out.line(`${item.title}: ${item.status}. ${item.reason}`.trimEnd());
    if (winner === null) return;
    const { gainIntervals, indistinguishable, spec } = state;
    const text = winnerText({ winner, plain, objective: spec.objective, gainIntervals });
    out.line(item.status === 'done' ? text : `So far: ${text}`);
    const rivals = notDistinguishable(indistinguishable);
    if (rivals) out.line(rivals);
    if (state.commandLine) out.line(state.commandLine);
  });
}

function printMembers({ spec, members, winner }: Sweep, out: Output): void {
  out.line(
    `${spec.method}, ${plural(spec.seeds, 'seed')}, by ${spec.objective}: ${spec.axes.map(formatVary).join(' ')}`,
  );
  out.table(members, [
    { title: 'member', value: ({ member }) => (member === 0 ? 'plain' : String(member)), align: 'right' },
    ...spec.axes.map(({ path }) => ({
      title: fieldOf(path).label,
      value: ({ point }: SweepMember) => String(point[path]),
      align: 'right' as const,
    })),
    { title: 'epochs', value: ({ epochs }) => String(epochs), align: 'right' },
    ...SWEEP_FIGURES.map(({ title, metric }) => ({
      title,
      value: ({ figures, intervals }: SweepMember) => figures[metric] && spreadText(figures[metric], intervals[metric]),
      align: 'right' as const,
    })),
    { title: '', value: ({ member, state }) => (member === winner ? 'winner' : state) },
  ]);
  out.line(SPREAD_NOTE);
}
