/** `report`, `model-card`, `claims`. */
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { NextvecError } from '#shared/domain/errors.ts';
import { checkTarget, makeFolder, writeTarget, type OutputTarget } from '../../formats/files/output-file.ts';
import type { CommandContext } from '../context.ts';
import { findRun } from '../handles.ts';
import { printProgress, type Output } from '../output.ts';
import { withSession } from '../session.ts';

interface ReportFlags {
  readonly baseline?: string;
  readonly format: string;
  readonly out: string;
  readonly texts?: boolean;
}

export function addReportCommands(program: Command, context: CommandContext): void {
  program
    .command('report <RUN>')
    .description('root-cause report of a run: what happened, why, what to run next')
    .option('--baseline <RUN>', 'run to hold it against')
    .option('--format <F>', 'md|html', 'md')
    .option('--texts', 'quote the texts of the sample windows')
    .requiredOption('--out <F>', 'file to write')
    .action((handle: string, flags: ReportFlags) => context.run((out) => report(context, handle, flags, out)));
  program
    .command('model-card <RUN>')
    .description('model card of a run')
    .option('--format <F>', 'md|html', 'md')
    .requiredOption('--out <F>', 'file to write')
    .action((handle: string, flags: ReportFlags) => context.run((out) => card(context, handle, flags, out)));
  program
    .command('claims')
    .description('results that reports expected, and their outcomes')
    .action(() => context.run((out) => listClaims(context, out)));
}

function readFormat(word: string): 'md' | 'html' {
  if (word === 'md' || word === 'html') return word;
  throw new NextvecError('BAD_INPUT', `--format is md or html, not "${word}".`);
}

/** Reports make the folder they are written to. */
async function checkReport(word: string): Promise<OutputTarget> {
  await makeFolder(dirname(resolve(word)));
  return checkTarget(word);
}

async function report(context: CommandContext, handle: string, flags: ReportFlags, out: Output): Promise<void> {
  const format = readFormat(flags.format);
  const target = await checkReport(flags.out);
  const { path } = target;
  await withSession(context.options(), out, 'owner', async ({ client }) => {
    const run = await findRun(client, handle);
    const baseline = flags.baseline === undefined ? null : await findRun(client, flags.baseline);
    const stem = basename(path, extname(path));
    const input = { runId: run.id, baselineId: baseline?.id ?? null, format, stem, texts: flags.texts };
    for await (const event of await client.evaluation.report(input)) {
      if (event.type === 'progress') {
        printProgress(event, out);
        continue;
      }
      await writeTarget(target, event.text);
      const files: string[] = [];
      // A report written to a pipe or a device has no chart files.
      for (const { name, text } of target.isStream ? [] : event.files) {
        const file = await checkTarget(join(dirname(path), basename(name)));
        await writeTarget(file, text);
        files.push(file.path);
      }
      out.result({ path, files, title: event.title, claim: event.claim }, () => {
        out.line(path);
        if (event.claim) out.line(event.claim.message);
      });
    }
  });
}

async function card(context: CommandContext, handle: string, flags: ReportFlags, out: Output): Promise<void> {
  const format = readFormat(flags.format);
  const target = await checkReport(flags.out);
  await withSession(context.options(), out, 'any', async ({ client }) => {
    const run = await findRun(client, handle);
    const { title, text } = await client.evaluation.modelCard({ runId: run.id, format });
    await writeTarget(target, text);
    out.result({ path: target.path, title }, () => out.line(target.path));
  });
}

function listClaims(context: CommandContext, out: Output): Promise<void> {
  return withSession(context.options(), out, 'any', async ({ client }) => {
    const claims = await client.evaluation.claims();
    out.result({ claims }, () => {
      if (claims.length === 0) out.line('No claims yet; "nextvec report" makes them.');
      for (const { outcome } of claims) out.line(outcome.message);
    });
  });
}
