/**
 * Trains a Gram mixture on one chunk file and measures it on another: time of each stage, peak memory, mean cosines.
 *
 *   node bench/gram.ts TRAIN.npz OOD.npz [--seed 0] [--threads 2] [--held articles.json] [--config '{"filters":[]}'] [--json]
 *
 * `--held`: a JSON list of the articles held out for validation; otherwise a tenth of them, drawn with the seed.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_GRAM_CONFIG, type GramConfig } from '#engine/gram/config.ts';
import { GramTrainer } from '#engine/gram/trainer.ts';
import { stream } from '#engine/random.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import { nodeEngineHost } from '../src/main/processes/engine-host.ts';
import { readChunkWindows } from './support/chunk-windows.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '2' },
    held: { type: 'string', default: '' },
    /** Settings that differ from the preset's. */
    config: { type: 'string', default: '{}' },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(flags.seed);
const [{ source, articles }, ood] = await Promise.all(positionals.map(readChunkWindows));

function heldArticles(): Set<number> {
  if (flags.held) return new Set(JSON.parse(readFileSync(flags.held, 'utf8')) as number[]);
  const all = Uint32Array.from(new Set(articles));
  stream(seed, 'split').shuffle(all);
  return new Set(all.subarray(0, Math.max(1, Math.floor(all.length / 10))));
}

const held = heldArticles();
const all = Uint32Array.from(articles.keys());
const train = all.filter((id) => !held.has(articles[id]));
const runtime = await createRuntime({ host: nodeEngineHost(resolve('resources')), threads: Number(flags.threads) });
const trainer = await GramTrainer.create(runtime, {
  data: {
    source,
    train,
    articles: train.map((id) => articles[id]),
    validation: all.filter((id) => held.has(articles[id])),
    ood: { source: ood.source, ids: Uint32Array.from(ood.articles.keys()) },
  },
  config: { ...DEFAULT_GRAM_CONFIG, ...(JSON.parse(flags.config) as Partial<GramConfig>) },
  seed,
});
const seconds = new Map<string, number>();
const startedMs = performance.now();
while (!trainer.isDone) {
  const { stage } = trainer;
  const from = performance.now();
  await trainer.step();
  seconds.set(stage, (seconds.get(stage) ?? 0) + (performance.now() - from) / 1000);
}
const last = trainer.epochs.at(-1)!;
const result = {
  windows: train.length,
  D: source.D,
  threads: runtime.threads,
  wide: runtime.wide,
  seconds: (performance.now() - startedMs) / 1000,
  stages: Object.fromEntries(seconds),
  peakMemoryMb: process.resourceUsage().maxRSS / 1024,
  ...last,
};
process.stdout.write(
  flags.json
    ? `${JSON.stringify(result)}\n`
    : `${JSON.stringify(result, (_, v) => (typeof v === 'number' ? Number(v.toFixed(4)) : v), 1)}\n`,
);
await trainer.dispose();
