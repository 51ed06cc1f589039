// The program runner: every thread runs the same list of operations from shared memory, meeting at barriers.
// `run` is called by thread 0 for each program; the other threads stay in `serve`.
import { barrier, resetUnits, signal, waitWhile } from './sync';
import { gather, prepare, packTargets, shiftInput } from './input';
import { Beside, wideTile } from './products/wide-tile';
import { BLOCK_BYTES, microTile, setWide, TILE, ZEROS } from './products/tile';
import { gemmForward, gemmInput, gemmWeight } from './products/gemm';
import { layerNorm, layerNormBackward, layerNormWeight } from './layers/normalise';
import { mix, mixBackward } from './layers/mixture';
import { lossGradient } from './losses/gradient';
import { infoNceColumns, infoNceGradient, infoNceRows } from './losses/info-nce';
import { output } from './losses/output';
import { batchStatistics } from './losses/statistics';
import { adamw } from './adamw';
import { position, positionWeight } from './layers/position';
import { gemmWeightAdamw, gram, gramNorm } from './fused';
import { biasGradient, biasRows, combine, sequenceInput } from './layers/sequence';
import { gruCell, gruCellBackward, lstmCell, lstmCellBackward } from './layers/recurrent';
import { dropout, relu, reluBackward } from './layers/dropout';
import { residualNorm, residualNormBackward } from './layers/residual-norm';
import { attention, attentionBackward } from './layers/attention';
import { addProduct, packColumns, packRows, product } from './products/dense';
import { choleskyDivide, choleskyFactor, choleskyUpdate, substituteBack } from './cholesky';
import { keyRows, pairProducts, skipRows, unitVectors } from './windows';
import { nearest, neighbourMeans } from './nearest';
import {
  COMMAND_RUN,
  CONTROL_COMMAND,
  CONTROL_OPS,
  CONTROL_PROGRAM,
  CONTROL_SEQUENCE,
  CONTROL_SEQUENCE_WAITERS,
  CONTROL_THREADS,
  CONTROL_WIDE,
  OP_BARRIER,
  OP_BYTES,
} from '../abi/control.ts';
import {
  BatchStatistics,
  InfoNceColumns,
  InfoNceGradient,
  InfoNceRows,
  LossGradient,
  Output,
} from '../abi/losses.ts';
import { MixBackward, MixForward, PositionForward, PositionWeight } from '../abi/amn.ts';
import { AttentionBackward, AttentionForward } from '../abi/attention.ts';
import { Gather, PackTargets, Prepare, SequenceInput, ShiftInput } from '../abi/input.ts';
import { BiasGradient, BiasRows, GemmForward, GemmInput, GemmWeight } from '../abi/linear.ts';
import { LayerNormBackward, LayerNormForward, LayerNormWeight, ResidualNormBackward, ResidualNormForward } from '../abi/norm.ts';
import { Adamw, GemmWeightAdamw, Gram, GramNorm } from '../abi/optimizer.ts';
import { GruCellBackward, GruCellForward, LstmCellBackward, LstmCellForward } from '../abi/recurrent.ts';
import { Combine, DropoutMask, ReluBackward, ReluForward } from '../abi/sequence.ts';
import {
  AddProduct,
  CholeskyDivide,
  CholeskyFactor,
  CholeskyUpdate,
  PackColumns,
  PackRows,
  Product,
  SubstituteBack,
} from '../abi/dense.ts';
import { KeyRows, Nearest, NeighbourMeans, PairProducts, SkipRows, UnitVectors } from '../abi/gram.ts';
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
    case Gather.code:
      return gather(op);
    case Prepare.code:
      return prepare(op);
    case ShiftInput.code:
      return shiftInput(op);
    case PackTargets.code:
      return packTargets(op);
    case GemmForward.code:
      return gemmForward(op);
    case GemmInput.code:
      return gemmInput(op);
    case GemmWeight.code:
      return gemmWeight(op, scratch);
    case LayerNormForward.code:
      return layerNorm(op);
    case LayerNormBackward.code:
      return layerNormBackward(op);
    case LayerNormWeight.code:
      return layerNormWeight(op);
    case MixForward.code:
      return mix(op, scratch);
    case MixBackward.code:
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
    case Adamw.code:
      return adamw(op);
    case Gram.code:
      return gram(op);
    case GramNorm.code:
      return gramNorm(op);
    case GemmWeightAdamw.code:
      return gemmWeightAdamw(op, scratch);
    case PositionForward.code:
      return position(op);
    case PositionWeight.code:
      return positionWeight(op);
    case AttentionForward.code:
      return attention(op);
    case AttentionBackward.code:
      return attentionBackward(op, scratch);
    case BiasGradient.code:
      return biasGradient(op);
    case BiasRows.code:
      return biasRows(op);
    case Combine.code:
      return combine(op);
    case DropoutMask.code:
      return dropout(op);
    case GruCellForward.code:
      return gruCell(op);
    case GruCellBackward.code:
      return gruCellBackward(op);
    case LstmCellForward.code:
      return lstmCell(op);
    case LstmCellBackward.code:
      return lstmCellBackward(op);
    case ReluForward.code:
      return relu(op);
    case ReluBackward.code:
      return reluBackward(op);
    case ResidualNormForward.code:
      return residualNorm(op);
    case ResidualNormBackward.code:
      return residualNormBackward(op);
    case SequenceInput.code:
      return sequenceInput(op, scratch);
    case PackRows.code:
      return packRows(op);
    case PackColumns.code:
      return packColumns(op);
    case Product.code:
      return product(op, scratch);
    case AddProduct.code:
      return addProduct(op, scratch);
    case CholeskyUpdate.code:
      return choleskyUpdate(op);
    case CholeskyFactor.code:
      return choleskyFactor(op);
    case CholeskyDivide.code:
      return choleskyDivide(op);
    case SubstituteBack.code:
      return substituteBack(op);
    case UnitVectors.code:
      return unitVectors(op);
    case SkipRows.code:
      return skipRows(op);
    case KeyRows.code:
      return keyRows(op);
    case PairProducts.code:
      return pairProducts(op);
    case Nearest.code:
      return nearest(op, scratch);
    case NeighbourMeans.code:
      return neighbourMeans(op, scratch);
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
