/** `balance`: λ that give each term its requested gradient share, checked on the first batches. */
import type { Command } from 'commander';
import { z } from 'zod';
import type { Balance } from '#shared/contract/evaluation.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { figure, percent } from '#shared/domain/figures.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS, TERM_LABELS, infoNceChance, type Term } from '#shared/domain/models/terms.ts';
import type { CommandContext } from '../context.ts';
import { findData } from '../handles.ts';
import { printProgress, type Output } from '../output.ts';
import { addRecipeFlags, readRecipe, type FlagValues } from '../flags/recipe-flags.ts';
import { withSession } from '../session.ts';

type BalanceFlags = FlagValues & { readonly data: string; readonly share: string[] };

export function addBalanceCommand(program: Command, context: CommandContext): void {
  addRecipeFlags(
    program
      .command('balance')
      .description('loss weights that give each term the gradient share asked for, measured on the first batches')
      .requiredOption('--data <F>', 'training data: a file, an imported data set, or "sample"')
      .requiredOption('--share <TERM=X...>', `shares, e.g. mse=0.8 info_nce=0.2; terms: ${TERMS.join(', ')}`),
  ).action((flags: BalanceFlags) => context.run((out) => balance(context, flags, out)));
}

const ShareSchema = z.tuple([z.enum(TERMS), z.coerce.number().min(0)]);

function readShares(words: readonly string[]): Partial<Record<Term, number>> {
  return Object.fromEntries(
    words.map((text) => {
      const parsed = ShareSchema.safeParse(text.split('='));
      if (parsed.success) return parsed.data;
      throw new NextvecError('BAD_INPUT', `--share needs TERM=NUMBER, not "${text}".`, {
        remedy: `Terms: ${TERMS.join(', ')}.`,
      });
    }),
  );
}

function balance(context: CommandContext, flags: BalanceFlags, out: Output): Promise<void> {
  const shares = readShares(flags.share);
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const data = await findData(client, flags.data, 'train', out);
    // Nothing is trained: there is no OOD set that early stopping could look at.
    const recipe = readRecipe({ ...flags, earlyStopping: 'off' }, data.id, null);
    for await (const event of await client.evaluation.balance({ recipe, shares })) {
      if (event.type === 'done') out.result(event.balance, () => printBalance(recipe, event.balance, out));
      else printProgress(event, out);
    }
  });
}

function printBalance(recipe: Recipe, { lambda, asked, before, terms, silent, batches }: Balance, out: Output): void {
  out.line('As written:');
  printTerms(recipe.lambda, before, null, out);
  out.line();
  out.line('Balanced:');
  printTerms(lambda, terms, asked, out);
  out.line();
  out.line(
    `Measured on the first ${batches} batches. InfoNCE of a model that knows nothing: ${figure(infoNceChance(recipe.batchSize), 2)}.`,
  );
  if (silent.length > 0) out.line(`No gradient on these batches, whatever the weight: ${silent.join(', ')}.`);
}

type Shares = Readonly<Record<Term, number>>;

/** The terms that are trained, with their share of the total and of the gradient. */
function printTerms(lambda: Shares, terms: Balance['terms'], asked: Shares | null, out: Output): void {
  out.table(
    TERMS.filter((term) => lambda[term] > 0),
    [
      { title: 'term', value: (term) => TERM_LABELS[term] },
      { title: 'value', value: (term) => figure(terms[term].value), align: 'right' },
      { title: 'λ', value: (term) => String(lambda[term]), align: 'right' },
      { title: 'λ·value', value: (term) => figure(terms[term].weighted), align: 'right' },
      { title: 'share of total', value: (term) => percent(terms[term].share, 1), align: 'right' },
      { title: 'gradient share', value: (term) => percent(terms[term].gradShare, 1), align: 'right' },
      ...(asked === null
        ? []
        : [{ title: 'asked', value: (term: Term) => percent(asked[term], 1), align: 'right' as const }]),
    ],
  );
}
