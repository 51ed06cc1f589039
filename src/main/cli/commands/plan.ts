/** `plan`: puts a plan, a file or a template, into the queue and works it off. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { EXAMPLE_PLAN, PLAN_TEMPLATES, PlanTemplateSchema, templatePlan } from '#shared/domain/plans/plan-templates.ts';
import { badPlan, parsePlan, type PlanSpec } from '#shared/domain/plans/plans.ts';
import { readJsonFile } from '../../formats/files/json-file.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { planEvent } from '../follow-queue.ts';
import { findData } from '../handles.ts';
import { HOLD_FLAG, HOLD_HELP, readHolds } from '../flags/hold-flag.ts';
import type { Output } from '../output.ts';
import { ON_FLAG, ON_HELP, readOn } from '../flags/on-flag.ts';
import { PARALLEL_FLAG, PARALLEL_HELP, readParallel } from '../flags/parallel-flag.ts';
import { workOff } from './queue.ts';
import { addRecipeFlags, readChanges, type FlagValues } from '../flags/recipe-flags.ts';
import { withSession, type Session } from '../session.ts';

interface PlanFlags extends FlagValues {
  readonly template?: string;
  readonly data?: string;
  readonly ood?: string;
  readonly name?: string;
  readonly models?: string;
  readonly hold?: string[];
  readonly cures: boolean;
  readonly parallel?: string;
  readonly on?: string;
  readonly queueOnly?: boolean;
  readonly example?: boolean;
}

export function addPlanCommand(program: Command, context: CommandContext): void {
  addRecipeFlags(
    program
      .command('plan [FILE]')
      .description(
        'put a plan (JSON file or template) into the queue and work it off; Ctrl-C saves, "queue run" goes on',
      )
      .option(
        '--template <NAME>',
        `${PLAN_TEMPLATES.join('|')}. recover: AMN, the cured AMN and the Gram mixture, the other models only when AMN holds, then the report. tour: a retrain that failed, and why`,
      )
      .option('--data <F>', 'training data of the template')
      .option('--ood <F>', 'out-of-distribution data of the template')
      .option('--name <S>', 'name of the plan')
      .option('--models <LIST>', 'which models come after AMN, e.g. gru,lstm')
      .option('--no-cures', 'without the cured AMN and the Gram mixture')
      .option(HOLD_FLAG, HOLD_HELP)
      .option(PARALLEL_FLAG, PARALLEL_HELP)
      .option(ON_FLAG, ON_HELP)
      .option('--queue-only', 'only put it into the queue')
      .option('--example', 'print a plan file that works'),
  ).action((file: string | undefined, flags: PlanFlags) => context.run((out) => plan(context, file, flags, out)));
}

async function plan(context: CommandContext, file: string | undefined, flags: PlanFlags, out: Output): Promise<number> {
  if (flags.example) {
    out.result(EXAMPLE_PLAN, () => out.line(JSON.stringify(EXAMPLE_PLAN, null, 2)));
    return EXIT.done;
  }
  const parallel = readParallel(flags.parallel);
  const on = readOn(flags.on);
  const draft = file === undefined ? templateDraft(flags) : fileDraft(file, flags);
  // Everything that can be checked without the data is checked before it is read.
  specOf(draft, '-', draft.ood === null ? null : '-');
  const work = async (session: Session): Promise<number> => {
    const { client } = session;
    const data = await findData(client, draft.data, 'train', out);
    const ood = draft.ood === null ? null : await findData(client, draft.ood, 'ood', out);
    const spec = specOf(draft, data.id, ood?.id ?? null);
    const made = await client.plans.create({ ...spec, on: on ?? spec.on });
    if (flags.queueOnly) {
      out.result(planEvent(made), () => out.line(`Plan ${made.id} "${made.name}" is in the queue.`));
      return EXIT.done;
    }
    return workOff(session, made.id, out);
  };
  return withSession(context.options(), out, 'owner', work, { runsQueue: flags.queueOnly !== true, parallel });
}

interface Draft {
  readonly data: string;
  readonly ood: string | null;
  readonly content: Readonly<Record<string, unknown>>;
  /** The file; null: flags. */
  readonly place: string | null;
}

function templateDraft(flags: PlanFlags): Draft {
  if (flags.template === undefined || flags.data === undefined) {
    throw new NextvecError('BAD_INPUT', 'There is no plan: give a FILE, or --template with --data.', {
      remedy:
        '"nextvec plan --example" prints a file that works; "nextvec plan --template recover --data F --ood F" needs none.',
    });
  }
  const gates = readHolds(flags.hold);
  const content = {
    template: flags.template,
    ...(flags.name === undefined ? {} : { name: flags.name }),
    recipe: readChanges(flags),
    ...(flags.cures ? {} : { cures: false }),
    ...(flags.models === undefined ? {} : { models: flags.models.split(',') }),
    ...(gates === undefined ? {} : { gates }),
  };
  return { data: flags.data, ood: flags.ood ?? null, content, place: null };
}

const FileSchema = z.looseObject({ data: z.string().min(1), ood: z.string().min(1).nullable().default(null) });

function fileDraft(file: string, flags: PlanFlags): Draft {
  const parsed = FileSchema.safeParse(readJsonFile(file, 'BAD_RECIPE'));
  if (!parsed.success) throw badPlan(parsed.error, file);
  const { data, ood, ...rest } = parsed.data;
  const near = (word: string): string => {
    const path = resolve(dirname(file), word);
    return existsSync(path) ? path : word;
  };
  const named = flags.name === undefined ? rest : { ...rest, name: flags.name };
  const wanted = flags.template === undefined ? named : { ...named, template: flags.template };
  return { data: near(data), ood: ood === null ? null : near(ood), content: wanted, place: file };
}

function specOf({ content, place }: Draft, dataset: string, ood: string | null): PlanSpec {
  const value = { ...content, dataset, ood };
  if (!('template' in content)) return parsePlan(value, place);
  const template = PlanTemplateSchema.safeParse(value);
  if (!template.success) throw badPlan(template.error, place);
  return parsePlan(templatePlan(template.data), place);
}
