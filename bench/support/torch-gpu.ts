/** The training step in PyTorch on a GPU: see ../pytorch_training.py. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

/** `compile` last: it takes a minute before it measures. */
export const TORCH_MODES = ['eager', 'graphs', 'compile'] as const;
export type TorchMode = (typeof TORCH_MODES)[number];
export type TorchDevice = 'cuda' | 'mps' | 'cpu';

export interface TorchResult {
  readonly batch: number;
  readonly rowsPerSecond?: number;
  readonly error?: string;
}

const FIND_DEVICE =
  'import torch; print("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")';

/** What this Python's PyTorch can compute on; null without PyTorch. */
export function torchDevice(python: string): TorchDevice | null {
  const { status, stdout } = spawnSync(python, ['-c', FIND_DEVICE], { encoding: 'utf8' });
  const device = stdout?.trim();
  return status === 0 && (device === 'cuda' || device === 'mps' || device === 'cpu') ? device : null;
}

/** CUDA graphs are CUDA's alone. */
export function torchModes(device: TorchDevice): readonly TorchMode[] {
  return TORCH_MODES.filter((mode) => mode !== 'graphs' || device === 'cuda');
}

export interface TorchRun {
  readonly python: string;
  readonly device: TorchDevice;
  readonly mode: TorchMode;
  readonly model: string;
  readonly batches: readonly number[];
  readonly seconds: number;
}

/** One process for all batches; after `limitSeconds` it is stopped, and what it has printed so far counts. */
export async function runTorch(run: TorchRun, limitSeconds: number): Promise<TorchResult[]> {
  const { python, device, mode, model, batches, seconds } = run;
  const sizes = [model, batches.join(','), String(seconds)];
  const child = spawn(python, ['bench/pytorch_training.py', ...sizes, '--device', device, '--mode', mode], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: Math.ceil(1000 * limitSeconds),
    killSignal: 'SIGKILL',
  });
  const results: TorchResult[] = [];
  for await (const line of createInterface({ input: child.stdout })) results.push(JSON.parse(line) as TorchResult);
  return results;
}
