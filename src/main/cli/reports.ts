/** `report`, `model-card`, `claims`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { NextvecError } from '#shared/domain/errors.ts';
import type { CommandContext } from './context.ts';
import { findRun } from './handles.ts';
import { tellProgress, type Output } from './output.ts';
import { withSession } from './session.ts';

interface ReportFlags {
  readonly baseline?: string;
  readonly format: string;
  readonly out: string;
}

export function addReportCommands(program: Command, context: CommandContext): void {
  program
    .command('report <RUN>')
    .description('root-cause report of a run: what happened, why, what to run next')
    .option('--baseline <RUN>', 'run to hold it against')
    .option('--format <F>', 'md|html', 'md')
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
    .description('what reports expected, and what became of it')
    .action(() => context.run((out) => listClaims(context, out)));
}

function readFormat(word: string): 'md' | 'html' {
  if (word === 'md' || word === 'html') return word;
  throw new NextvecError('BAD_INPUT', `--format is md or html, not "${word}".`);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function report(context: CommandContext, handle: string, flags: ReportFlags, out: Output): Promise<void> {
  const format = readFormat(flags.format);
  const path = resolve(flags.out);
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const run = await findRun(client, handle);
    const baseline = flags.baseline === undefined ? null : await findRun(client, flags.baseline);
    const input = { runId: run.id, baselineId: baseline?.id ?? null, format, stem: basename(path, extname(path)) };
    for await (const event of await client.evaluation.report(input)) {
      if (event.type === 'progress') {
        tellProgress(event, out);
        continue;
      }
      write(path, event.text);
      const files = event.files.map(({ name, text }) => {
        const file = join(dirname(path), basename(name));
        write(file, text);
        return file;
      });
      out.result({ path, files, title: event.title, claim: event.claim }, () => {
        out.line(path);
        if (event.claim) out.line(event.claim.message);
      });
    }
  });
}

function card(context: CommandContext, handle: string, flags: ReportFlags, out: Output): Promise<void> {
  const format = readFormat(flags.format);
  const path = resolve(flags.out);
  return withSession(context.options(), out, 'any', async ({ client }) => {
    const run = await findRun(client, handle);
    const { title, text } = await client.evaluation.modelCard({ runId: run.id, format });
    write(path, text);
    out.result({ path, title }, () => out.line(path));
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
