/** AdamW over the whole parameter bank: its hyperparameters of one step and its operation. */
import type { OptimizerConfig } from '../types.ts';
import {
  HYPER_BETA1,
  HYPER_BETA2,
  HYPER_CLIP,
  HYPER_DECAY,
  HYPER_EPS,
  HYPER_INV_SQRT_BC2,
  HYPER_STEP_SIZE,
  OP_ADAMW,
} from './opcodes.ts';
import type { ParameterBank } from './parameters.ts';
import type { Program } from './program.ts';

/** 32 KiB of each of the four arrays: they stay in the second-level cache while one unit runs. */
const UNIT_BYTES = 32_768;

export function emitAdamW(program: Program, bank: ParameterBank, slotsAt: number, hyper: number): void {
  program.add('AdamW', OP_ADAMW, Math.ceil(bank.bytes / UNIT_BYTES), [
    bank.address('weights'),
    bank.address('gradients'),
    bank.address('m'),
    bank.address('v'),
    bank.bytes,
    UNIT_BYTES,
    slotsAt,
    program.slots,
    hyper,
  ]);
}

/** `step` is 1-based. */
export function writeOptimizerHyper(hyper: Float32Array, config: OptimizerConfig, lr: number, step: number): void {
  hyper[HYPER_DECAY] = 1 - lr * config.weightDecay;
  hyper[HYPER_STEP_SIZE] = lr / (1 - config.beta1 ** step);
  hyper[HYPER_INV_SQRT_BC2] = 1 / Math.sqrt(1 - config.beta2 ** step);
  hyper[HYPER_EPS] = config.eps;
  hyper[HYPER_BETA1] = config.beta1;
  hyper[HYPER_BETA2] = config.beta2;
  hyper[HYPER_CLIP] = config.clip;
}
