/** `inspect`: the passport of a file, nothing stored. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Passport } from '#shared/domain/passport.ts';
import { inspectFile } from '../datasets/import.ts';
import type { CommandContext } from './context.ts';
import { formatCosine, type Output } from './output.ts';

export function addDataCommands(program: Command, context: CommandContext): void {
  program
    .command('inspect <F>')
    .description('the passport of a data file; nothing is stored')
    .option('--cross-articles', 'windows of a chunk file may cross articles')
    .action((file: string, flags: { crossArticles?: boolean }) =>
      context.run((out) => inspect(file, flags.crossArticles === true, out)),
    );
}

async function inspect(file: string, crossArticles: boolean, out: Output): Promise<void> {
  if (!existsSync(file)) throw new NextvecError('FILE_NOT_FOUND', `There is no file ${resolve(file)}.`);
  const passport = await inspectFile(resolve(file), {
    crossArticles,
    onProgress: ({ phase, fraction }) => out.progress(`${file}: ${phase} ${Math.floor(fraction * 100)} %`),
  });
  out.result(passport, () => printPassport(file, passport, out));
}

function range(values: readonly [number, number] | null): string {
  return values === null ? 'not in the file' : `${values[0]} to ${values[1]}`;
}

function printPassport(file: string, passport: Passport, out: Output): void {
  const { norm, value, coherence } = passport;
  const rows: readonly (readonly [string, string])[] = [
    ['file', file],
    ['kind', passport.kind],
    ['rows', String(passport.rows)],
    ['windows', `${passport.windows} (T = ${passport.T}, D = ${passport.D})`],
    ['distinct vectors', String(passport.vectors)],
    ['articles', `${passport.articles ?? 'not in the file'} (${range(passport.articleRange)})`],
    [
      'norm',
      `${formatCosine(norm.mean)} ± ${formatCosine(norm.std)}, ${formatCosine(norm.min)} to ${formatCosine(norm.max)}`,
    ],
    ['values', `mean ${value.mean?.toPrecision(3) ?? '–'}, std ${value.std?.toFixed(6) ?? '–'}`],
    ['zero, non-unit rows', `${passport.zeroRows}, ${passport.nonUnitRows}`],
    ['duplicates', String(passport.duplicates)],
    [
      'coherence',
      `${formatCosine(coherence.mean)} (p10 ${formatCosine(coherence.p10)}, p50 ${formatCosine(coherence.p50)}, p90 ${formatCosine(coherence.p90)})`,
    ],
    ['position to target', passport.positionToTarget.map((cosine) => formatCosine(cosine)).join('  ')],
    ['crossings', passport.crossings === null ? 'not in the file' : String(passport.crossings)],
    ['sha256', passport.sha256],
  ];
  out.table(rows, [
    { title: 'passport', value: ([name]) => name },
    { title: '', value: ([, text]) => text },
  ]);
  for (const { code, message, count } of passport.warnings) out.line(`warning ${code} (${count}): ${message}`);
}
