// The program runner: every thread runs the same list of operations from shared memory, meeting at barriers.
// `run` is called by thread 0 for each program; the other threads stay in `serve`.
import { barrier, resetUnits, signal, waitWhile } from './sync';
import { gather, prepare, packTargets } from './input';
import { Beside, BLOCK_BYTES, gemmForward, gemmInput, gemmWeight, microTile, setWide, TILE, wideTile, ZEROS } from './gemm';
import { layerNorm, layerNormBackward, layerNormWeight } from './normalise';
import { mix, mixBackward } from './mixture';
import { lossGradient } from './losses/gradient';
import { infoNceColumns, infoNceGradient, infoNceRows } from './losses/info-nce';
import { output } from './losses/output';
import { batchStatistics } from './losses/statistics';
import { adamw } from './adamw';
import { position, positionWeight } from './position';
import { gemmWeightAdamw, gram, gramNorm } from './fused';
import { biasGradient, biasRows, combine, sequenceInput } from './sequence';
import { gruCell, gruCellBackward, lstmCell, lstmCellBackward } from './recurrent';
import { dropout, relu, reluBackward } from './dropout';
import { residualNorm, residualNormBackward } from './residual-norm';
import { attention, attentionBackward } from './attention';
import {
  COMMAND_RUN,
  CONTROL_COMMAND,
  CONTROL_OPS,
  CONTROL_PROGRAM,
  CONTROL_SEQUENCE,
  CONTROL_SEQUENCE_WAITERS,
  CONTROL_THREADS,
  CONTROL_WIDE,
  OP_ADAMW,
  OP_BARRIER,
  OP_BYTES,
  OP_GATHER,
  OP_GEMM_FORWARD,
  OP_GEMM_INPUT,
  OP_GEMM_WEIGHT,
  OP_GEMM_WEIGHT_ADAMW,
  OP_GRAM,
  OP_GRAM_NORM,
  OP_LAYER_NORM,
  OP_LAYER_NORM_BACKWARD,
  OP_LAYER_NORM_WEIGHT,
  OP_MIX,
  OP_MIX_BACKWARD,
  OP_PACK_TARGETS,
  OP_POSITION,
  OP_POSITION_WEIGHT,
  OP_PREPARE,
} from '../abi/control.ts';
import {
  OP_ATTENTION,
  OP_ATTENTION_BACKWARD,
  OP_BIAS_GRADIENT,
  OP_BIAS_ROWS,
  OP_COMBINE,
  OP_DROPOUT,
  OP_GRU_CELL,
  OP_GRU_CELL_BACKWARD,
  OP_LSTM_CELL,
  OP_LSTM_CELL_BACKWARD,
  OP_RELU,
  OP_RELU_BACKWARD,
  OP_RESIDUAL_NORM,
  OP_RESIDUAL_NORM_BACKWARD,
  OP_SEQUENCE_INPUT,
} from '../abi/control.ts';

import {
  BatchStatistics,
  InfoNceColumns,
  InfoNceGradient,
  InfoNceRows,
  LossGradient,
  Output,
} from '../abi/losses.ts';
import { KERNEL_ABI } from '../abi/version.ts';

export { halfToFloat } from './input';

/** Compared with TypeScript's own when the kernels are loaded. */
export const abi: i32 = KERNEL_ABI;

/** Milliseconds, for the per-phase profile of thread 0. */
// @ts-ignore: decorator
@external('env', 'now')
declare function now(): f64;

function execute(op: usize, scratch: usize): void {
  switch (load<i32>(op)) {
    case OP_GATHER:
      return gather(op);
    case OP_PREPARE:
      return prepare(op);
    case OP_PACK_TARGETS:
      return packTargets(op);
    case OP_GEMM_FORWARD:
      return gemmForward(op);
    case OP_GEMM_INPUT:
      return gemmInput(op);
    case OP_GEMM_WEIGHT:
      return gemmWeight(op, scratch);
    case OP_LAYER_NORM:
      return layerNorm(op);
    case OP_LAYER_NORM_BACKWARD:
      return layerNormBackward(op);
    case OP_LAYER_NORM_WEIGHT:
      return layerNormWeight(op);
    case OP_MIX:
      return mix(op, scratch);
    case OP_MIX_BACKWARD:
      return mixBackward(op, scratch);
    case Output.code:
      return output(op);
    case BatchStatistics.code:
      return batchStatistics(op);
    case InfoNceRows.code:
      return infoNceRows(op);
    case InfoNceColumns.code:
      return infoNceColumns(op);
    case InfoNceGradient.code:
      return infoNceGradient(op);
    case LossGradient.code:
      return lossGradient(op, scratch);
    case OP_ADAMW:
      return adamw(op);
    case OP_GRAM:
      return gram(op);
    case OP_GRAM_NORM:
      return gramNorm(op);
    case OP_GEMM_WEIGHT_ADAMW:
      return gemmWeightAdamw(op, scratch);
    case OP_POSITION:
      return position(op);
    case OP_POSITION_WEIGHT:
      return positionWeight(op);
    case OP_ATTENTION:
      return attention(op);
    case OP_ATTENTION_BACKWARD:
      return attentionBackward(op, scratch);
    case OP_BIAS_GRADIENT:
      return biasGradient(op);
    case OP_BIAS_ROWS:
      return biasRows(op);
    case OP_COMBINE:
      return combine(op);
    case OP_DROPOUT:
      return dropout(op);
    case OP_GRU_CELL:
      return gruCell(op);
    case OP_GRU_CELL_BACKWARD:
      return gruCellBackward(op);
    case OP_LSTM_CELL:
      return lstmCell(op);
    case OP_LSTM_CELL_BACKWARD:
      return lstmCellBackward(op);
    case OP_RELU:
      return relu(op);
    case OP_RELU_BACKWARD:
      return reluBackward(op);
    case OP_RESIDUAL_NORM:
      return residualNorm(op);
    case OP_RESIDUAL_NORM_BACKWARD:
      return residualNormBackward(op);
    case OP_SEQUENCE_INPUT:
      return sequenceInput(op, scratch);
    default:
      unreachable();
  }
}

/** Runs a program to its end; every thread has passed the last barrier when it returns. */
function perform(control: usize, program: usize, ops: i32, threads: i32, scratch: usize, profile: usize): void {
  setWide(load<i32>(control + CONTROL_WIDE) != 0);
  for (let i = 0; i < ops; i++) {
    const op = program + <usize>(i * OP_BYTES);
    if (profile != 0) store<f64>(profile + (<usize>i << 3), now());
    if (load<i32>(op) == OP_BARRIER) barrier(control, threads);
    else execute(op, scratch);
  }
  barrier(control, threads);
  if (profile != 0) store<f64>(profile + (<usize>ops << 3), now());
}

/**
 * `rounds` times the products of six rows of `a` with the panels `b` and `c`, into rows of 32 bytes at `out` and, for `c`,
 * 192 bytes on: as one wide tile or as two of the other kind. For the choice between them (wide.ts).
 */
export function tiles(a: usize, b: usize, c: usize, depth: i32, out: usize, asWide: bool, rounds: i32): void {
  for (let round = 0; round < rounds; round++) {
    if (asWide) {
      wideTile<Beside>(a, 0, 1, <usize>depth * BLOCK_BYTES, b, c, out, out + 192, false, ZEROS);
      continue;
    }
    for (let t = 0; t < 6; t += TILE) {
      const rows = <usize>t * 32;
      microTile(a + <usize>t * 4, b, depth, out + rows, out + rows + 16, 32, 0, 0, false);
      microTile(a + <usize>t * 4, c, depth, out + rows + 192, out + rows + 208, 32, 0, 0, false);
    }
  }
}

/** Thread 0: runs a program on all threads. `profile` is 0 or ops + 1 float64 times. */
export function run(control: usize, program: usize, ops: i32, threads: i32, scratch: usize, profile: usize): void {
  resetUnits(program, ops, OP_BYTES);
  if (threads > 1) {
    store<i32>(control + CONTROL_PROGRAM, <i32>program);
    store<i32>(control + CONTROL_OPS, ops);
    store<i32>(control + CONTROL_THREADS, threads);
    store<i32>(control + CONTROL_COMMAND, COMMAND_RUN);
    signal(control + CONTROL_SEQUENCE, control + CONTROL_SEQUENCE_WAITERS);
  }
  perform(control, program, ops, threads, scratch, profile);
}

/** Thread 0: makes the other threads leave `serve` with `command`. */
export function interrupt(control: usize, command: i32): void {
  store<i32>(control + CONTROL_COMMAND, command);
  signal(control + CONTROL_SEQUENCE, control + CONTROL_SEQUENCE_WAITERS);
}

/** Other threads: runs programs until a command other than COMMAND_RUN comes; returns the sequence number it saw. */
export function serve(control: usize, sequence: i32, scratch: usize): i32 {
  while (true) {
    waitWhile(control + CONTROL_SEQUENCE, sequence, control + CONTROL_SEQUENCE_WAITERS, false);
    sequence++;
    if (load<i32>(control + CONTROL_COMMAND) != COMMAND_RUN) return sequence;
    const program = <usize>load<i32>(control + CONTROL_PROGRAM);
    perform(control, program, load<i32>(control + CONTROL_OPS), load<i32>(control + CONTROL_THREADS), scratch, 0);
  }
  return sequence;
}
