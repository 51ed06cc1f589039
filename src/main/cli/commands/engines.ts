/** `verify` (an engine against a PyTorch reference file) and `bench` (engines against each other, in turns). */
import { arch, cpus, platform, totalmem } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defaultGradientSpec, GRADIENT_TYPES, type GradientType } from '#shared/domain/models/models.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { lossConfig, RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { engineAvailability, measureSpeed, openEngine, type Speed, type Workload } from '#engine/registry.ts';
import { ENGINE_NAMES, type Engine, type EngineHost, type EngineName } from '#engine/types.ts';
import { verifyAgainstGolden, type VerifyResult } from '#engine/verify.ts';
import { nodeEngineHost } from '../../processes/engine-host.ts';
import { programFiles } from '../../hosts/locations.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Output } from '../output.ts';
import { inReference, readReference } from '../reference-file.ts';

const ROUNDS = 5;
const BENCH_T = 5;
const BENCH_D = 768;

export function addEngineCommands(program: Command, context: CommandContext): void {
  program
    .command('verify <F>')
    .description('check an engine against a reference file; status 1 when it is out of tolerance')
    .requiredOption('--engine <E>', ENGINE_NAMES.join('|'))
    .option('--threads <N>', 'threads [all cores]')
    .action((file: string, flags: { engine: string; threads?: string }) =>
      context.run((out) => verify(file, flags, out)),
    );
  program
    .command('bench')
    .description('rows per second of each engine, measured in turns')
    .option('--model <M>', GRADIENT_TYPES.join('|'), 'amn')
    .option('--batch <N>', 'rows a step', '32')
    .option('--engine <E>', `all, or ${ENGINE_NAMES.join('|')}`, 'all')
    .option('--threads <N>', 'threads [all cores]')
    .option('--seconds <N>', 'seconds an engine', '5')
    .action((flags: BenchFlags) => context.run((out) => bench(flags, out)));
}

function readCount(flag: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const count = Number(word);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new NextvecError('BAD_INPUT', `${flag} needs a whole number from 1, not "${word}".`);
}

export function oneOf<T extends string>(flag: string, names: readonly T[], word: string): T {
  const found = names.find((name) => name === word);
  if (found !== undefined) return found;
  throw new NextvecError('BAD_INPUT', `${flag}: there is no "${word}".`, { remedy: `Choose ${names.join(', ')}.` });
}

function engineHost(): EngineHost {
  return nodeEngineHost(programFiles().resourcesDir);
}

/** Opens an engine; throws ENGINE_UNAVAILABLE with the reason. */
async function open(name: EngineName, host: EngineHost, threads: number | undefined): Promise<Engine> {
  try {
    return await openEngine(name, host, { threads });
  } catch (cause) {
    const why = messageOf(cause);
    throw new NextvecError('ENGINE_UNAVAILABLE', why, {
      cause,
      remedy: '"nextvec doctor" says which engines run here.',
    });
  }
}

async function verify(file: string, flags: { engine: string; threads?: string }, out: Output): Promise<number> {
  const name = oneOf('--engine', ENGINE_NAMES, flags.engine);
  const threads = readCount('--threads', flags.threads);
  const reference = await readReference(resolve(file));
  const engine = await open(name, engineHost(), threads);
  try {
    const result = await verifyAgainstGolden(engine, reference).catch((error: unknown) => {
      throw inReference(file, error);
    });
    out.result(result, () => printVerify(result, out));
    return result.pass ? EXIT.done : EXIT.failed;
  } finally {
    await engine.dispose();
  }
}

function printVerify(result: VerifyResult, out: Output): void {
  const { model, engine, maxRelError, pass, skippedTerms, failures } = result;
  const rows: [string, number][] = [];
  for (const [name, value] of Object.entries(maxRelError)) {
    if (typeof value === 'number') rows.push([name, value]);
    else for (const [term, error] of Object.entries(value)) if (error !== null) rows.push([`${name} ${term}`, error]);
  }
  out.table(rows, [
    { title: `${model} on ${engine}`, value: ([name]) => name },
    { title: 'relative error', value: ([, error]) => error.toExponential(1), align: 'right' },
  ]);
  if (skippedTerms.length > 0) out.line(`Not compared: ${skippedTerms.join(', ')}.`);
  for (const failure of failures) out.line(failure);
  out.line(pass ? 'PASS' : 'FAIL');
}

interface BenchFlags {
  readonly model: string;
  readonly batch: string;
  readonly engine: string;
  readonly threads?: string;
  readonly seconds: string;
}

interface BenchResult extends Omit<Speed, 'steps'> {
  /** Slowest and fastest round. */
  readonly spread: readonly [number, number];
  readonly rounds: number;
}

function workload(model: GradientType, batchSize: number): Workload {
  const recipe = RecipeSchema.parse({ dataset: '-', modelType: model, batchSize });
  return {
    spec: defaultGradientSpec(model, BENCH_T, BENCH_D),
    loss: lossConfig(recipe, BENCH_D),
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: recipe.weightDecay, clip: recipe.clip },
    batchSize,
  };
}

async function benchEngines(wanted: string, host: EngineHost, out: Output): Promise<EngineName[]> {
  if (wanted !== 'all') return [oneOf('--engine', ENGINE_NAMES, wanted)];
  const names: EngineName[] = [];
  for (const { name, available, reason } of await engineAvailability(host)) {
    if (available) names.push(name);
    else out.progress(`${name} left out: ${reason}`, true);
  }
  return names;
}

async function bench(flags: BenchFlags, out: Output): Promise<void> {
  const model = oneOf('--model', GRADIENT_TYPES, flags.model);
  const batch = readCount('--batch', flags.batch) ?? 32;
  const seconds = readCount('--seconds', flags.seconds) ?? 5;
  const threads = readCount('--threads', flags.threads);
  const host = engineHost();
  const names = await benchEngines(flags.engine, host, out);
  const work = workload(model, batch);
  const speeds = new Map<EngineName, Speed[]>(names.map((name) => [name, []]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const name of names) {
      out.progress(`round ${round}/${ROUNDS}: ${name}`);
      const engine = await open(name, host, threads);
      try {
        speeds.get(name)?.push(await measureSpeed(engine, work, seconds / ROUNDS));
      } finally {
        await engine.dispose();
      }
    }
  }
  const results = [...speeds.values()].map(median);
  out.result({ machine: machine(), model, T: BENCH_T, D: BENCH_D, date: new Date().toISOString(), results }, () =>
    printBench(results, out),
  );
}

function median(speeds: readonly Speed[]): BenchResult {
  const sorted = speeds.toSorted((a, b) => a.rowsPerSecond - b.rowsPerSecond);
  const { steps: _steps, ...middle } = sorted[sorted.length >> 1];
  return {
    ...middle,
    spread: [sorted[0].rowsPerSecond, sorted[sorted.length - 1].rowsPerSecond],
    rounds: sorted.length,
  };
}

function machine(): object {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
  };
}

function printBench(results: readonly BenchResult[], out: Output): void {
  out.table(results, [
    { title: 'engine', value: ({ engine }) => engine },
    { title: 'variant', value: ({ variant }) => variant },
    { title: 'threads', value: ({ threads }) => threads },
    { title: 'batch', value: ({ batch }) => batch },
    { title: 'rows/s', value: ({ rowsPerSecond }) => Math.round(rowsPerSecond) },
    { title: 'ms/step', value: ({ msPerStep }) => msPerStep.toPrecision(3), align: 'right' },
    { title: 'range', value: ({ spread }) => spread.map((speed) => Math.round(speed)).join('–'), align: 'right' },
  ]);
}
