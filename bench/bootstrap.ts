/**
 * Time of one bootstrap on one thread: 10,000 draws of the articles of a set, all series on the same draws, with the
 * interval of each series and of its difference to the first.
 *
 *   node bench/bootstrap.ts [--articles 1000] [--series 8] [--rounds 15] [--json]
 */
import { parseArgs } from 'node:util';
import { bootstrap } from '#engine/evaluation/bootstrap.ts';
import { Random } from '#engine/random.ts';
import { simulatedSums } from '../tests/support/coverage.ts';

const { values: flags } = parseArgs({
  options: {
    articles: { type: 'string', default: '1000' },
    series: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
  },
});
const [articles, series, rounds] = [flags.articles, flags.series, flags.rounds].map(Number);

const { windows, model, baseline } = simulatedSums({ articles, sizeSpread: 1, effects: 'normal' }, new Random(1));
const sums = [model, ...Array.from({ length: series - 1 }, () => baseline)];

interface Cost {
  readonly wallMs: number;
  /** Of the processor; a busy machine lengthens the wall time only. */
  readonly cpuMs: number;
}

function measure(seed: number): Cost {
  const [startedMs, before] = [performance.now(), process.cpuUsage()];
  const drawn = bootstrap(windows, sums, seed);
  sums.forEach((_, q) => [drawn.mean(q), drawn.difference(0, q)]);
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
}

// The first round is compiled while it runs.
measure(0);
const costs = Array.from({ length: rounds }, (_, i) => measure(i + 1));

function spread(key: keyof Cost) {
  const sorted = costs.map((cost) => cost[key]).toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(rounds / 2)], lowest: sorted[0], highest: sorted[rounds - 1] };
}

const result = { draws: 10_000, articles, series, rounds, cpuMs: spread('cpuMs'), wallMs: spread('wallMs') };
if (flags.json) console.log(JSON.stringify(result));
else console.log(result);
