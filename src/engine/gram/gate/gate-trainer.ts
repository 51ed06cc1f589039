/** One epoch of all gates of a mixture. Each gate has its own initial values and shuffles; a batch is one AdamW step. */
import { stream } from '../../random.ts';
import type { GateConfig } from '../config.ts';
import type { Progress } from '../fit.ts';
import { Gate, gateFeatures, gateLayout, initialGate, type GateInput } from './gate.ts';
import { adamwUpdate, oneCycle, type GateState } from './gate-optimizer.ts';
import type { Statistics } from '../parts/parts.ts';
import { floats, type GramArray, type GramState } from '../state.ts';

export function initialGates(K: number, { gates, hidden }: GateConfig, seed: number): GateState[] {
  return Array.from({ length: gates }, (_, gate) => {
    const parameters = initialGate(gateLayout(K, hidden), stream(seed, 'init', gate));
    return { parameters, m: new Float32Array(parameters.length), v: new Float32Array(parameters.length) };
  });
}

/** The gates as arrays of a state. */
export function gateArrays(gates: readonly GateState[]): Record<string, GramArray> {
  const arrays: Record<string, GramArray> = {};
  gates.forEach(({ parameters, m, v }, g) => {
    arrays[`gates.${g}.parameters`] = parameters;
    arrays[`gates.${g}.m`] = m;
    arrays[`gates.${g}.v`] = v;
  });
  return arrays;
}

/** Copies of the gates in a state, to be trained further. */
export function storedGates(state: GramState, { gates }: GateConfig): GateState[] {
  return Array.from({ length: gates }, (_, g) => ({
    parameters: floats(state, `gates.${g}.parameters`).slice(),
    m: floats(state, `gates.${g}.m`).slice(),
    v: floats(state, `gates.${g}.v`).slice(),
  }));
}

/** Trains every gate for one epoch in place; the last, smaller batch is left out. Returns the mean loss. */
export async function trainEpoch(
  gates: readonly GateState[],
  data: { readonly statistics: Statistics; readonly input: GateInput },
  config: GateConfig,
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
  progress: Progress = () => {},
): Promise<number> {
  const { statistics, input } = data;
  const rows = { z: gateFeatures(statistics, input), statistics };
  const batch = Math.min(config.batch, statistics.count);
  const batches = Math.floor(statistics.count / batch);
  const totalSteps = config.epochs * batches + 1;
  const gate = new Gate(input, config.hidden);
  const gradient = new Float64Array(gate.layout.size);
  let loss = 0;
  for (const [g, state] of gates.entries()) {
    const order = Uint32Array.from({ length: statistics.count }, (_, i) => i);
    stream(seed, 'shuffle', epoch * gates.length + g).shuffle(order);
    for (let i = 0; i < batches; i++) {
      gradient.fill(0);
      for (const row of order.subarray(i * batch, (i + 1) * batch)) {
        gate.forward(state.parameters, rows.z, row);
        loss += gate.backward(state.parameters, gradient, rows, row, 1 / batch) / batch;
      }
      const step = epoch * batches + i;
      const { lr, beta1 } = oneCycle(step, totalSteps, config.lr);
      adamwUpdate(state, gradient, { lr, beta1, weightDecay: config.weightDecay, step: step + 1 });
    }
    await progress((g + 1) / gates.length);
  }
  return loss / (batches * gates.length);
}
