/**
 * Names shared by the TypeScript that emits programs and the AssemblyScript that runs them: operation codes, the shape
 * of an operation record and of the control block. Plain integers only, so that both compilers read this one file.
 */

/** Bytes of one operation record: opcode, unit counter, unit count, then up to 29 arguments of 4 bytes. */
export const OP_BYTES = 128;
export const OP_COUNTER = 4;
export const OP_UNITS = 8;
export const OP_ARGS = 12;

/** Control block, one cache line per word that threads write. */
export const CONTROL_SEQUENCE = 0;
export const CONTROL_SEQUENCE_WAITERS = 64;
export const CONTROL_ARRIVED = 128;
export const CONTROL_GENERATION = 192;
export const CONTROL_GENERATION_WAITERS = 256;
export const CONTROL_COMMAND = 320;
export const CONTROL_PROGRAM = 324;
export const CONTROL_OPS = 328;
export const CONTROL_THREADS = 332;
/** One of the FAULT words, set by a thread other than 0; thread 0 reads it after every program. */
export const CONTROL_FAULT = 336;
/** Not 0: tiles of 6 × 16, see wide.ts. */
export const CONTROL_WIDE = 340;
export const CONTROL_BYTES = 384;

export const FAULT_NONE = 0;
export const FAULT_GATHER = 1;
/** A thread has left its program with an exception. */
export const FAULT_THREAD = 2;
/** Thread 0 knows of it. */
export const FAULT_SEEN = 3;

export const COMMAND_RUN = 1;
/** Threads leave WebAssembly, read their message queue and come back. */
export const COMMAND_LISTEN = 2;

/** Blocks of twelve outputs of one unit of a weight gradient or update. */
export const WEIGHT_UNIT_BLOCKS = 4;

export const OP_BARRIER = 0;
export const OP_GATHER = 1;
export const OP_PREPARE = 2;
export const OP_GEMM_FORWARD = 3;
export const OP_GEMM_INPUT = 4;
export const OP_GEMM_WEIGHT = 5;
export const OP_LAYER_NORM = 6;
export const OP_LAYER_NORM_BACKWARD = 7;
export const OP_LAYER_NORM_WEIGHT = 8;
export const OP_MIX = 9;
export const OP_MIX_BACKWARD = 10;
export const OP_ADAMW = 17;
export const OP_PACK_TARGETS = 18;
export const OP_GRAM = 19;
export const OP_GRAM_NORM = 21;
export const OP_GEMM_WEIGHT_ADAMW = 20;
export const OP_POSITION = 22;
export const OP_POSITION_WEIGHT = 23;
/** Sequences: LSTM, GRU and Transformer. */
export const OP_SEQUENCE_INPUT = 40;
export const OP_COMBINE = 41;
export const OP_BIAS_ROWS = 42;
export const OP_BIAS_GRADIENT = 43;
export const OP_LSTM_CELL = 44;
export const OP_LSTM_CELL_BACKWARD = 45;
export const OP_GRU_CELL = 46;
export const OP_GRU_CELL_BACKWARD = 47;
export const OP_DROPOUT = 48;
export const OP_RELU = 49;
export const OP_RELU_BACKWARD = 50;
export const OP_RESIDUAL_NORM = 51;
export const OP_RESIDUAL_NORM_BACKWARD = 52;
export const OP_ATTENTION = 53;
export const OP_ATTENTION_BACKWARD = 54;
