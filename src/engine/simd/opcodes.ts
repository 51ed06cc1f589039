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
export const OP_OUTPUT = 11;
export const OP_BATCH_STATS = 12;
export const OP_INFO_NCE_ROWS = 13;
export const OP_INFO_NCE_COLUMNS = 14;
export const OP_INFO_NCE_GRADIENT = 15;
export const OP_LOSS_ROWS = 16;
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

/** Hyperparameters read by kernels, float32 words of one block. */
export const HYPER_LAMBDA = 0;
export const HYPER_TAU = 6;
export const HYPER_MARGIN_DIRECTIONAL = 7;
export const HYPER_MARGIN_ANTI_COPY = 8;
export const HYPER_VARIANCE_TARGET = 9;
/** AdamW with its bias corrections folded in; see `writeOptimizerHyper`. */
export const HYPER_DECAY = 10;
export const HYPER_STEP_SIZE = 11;
export const HYPER_EPS = 12;
export const HYPER_BETA1 = 13;
export const HYPER_BETA2 = 14;
export const HYPER_KEEP1 = 15;
export const HYPER_KEEP2 = 16;
export const HYPER_CLIP = 17;
/** Added to a moment and taken away again; see `adamwVector`. */
export const HYPER_GRAIN_M = 18;
export const HYPER_GRAIN_V = 19;
/** Two uint32 keys of the dropout masks of this step. */
export const HYPER_DROPOUT_KEY0 = 28;
export const HYPER_DROPOUT_KEY1 = 29;
export const HYPER_WORDS = 32;

/** Per-row results of the losses, float64 words. */
export const ROW_SQUARED_ERROR = 0;
export const ROW_COSINE = 1;
export const ROW_DIRECTIONAL = 2;
export const ROW_ANTI_COPY = 3;
export const ROW_CROSS_ENTROPY = 4;
export const ROW_COLUMN_CROSS_ENTROPY = 5;
export const ROW_NORM2_INFO_NCE = 6;
export const ROW_NORM2_VARIANCE = 7;
export const ROW_NORM2_DIRECTIONAL = 8;
export const ROW_NORM2_ANTI_COPY = 9;
export const ROW_WORDS = 10;

/** Results of one block of dimensions of the batch statistics, float64 words. */
export const STATS_MEAN2 = 0;
export const STATS_SIGMA2 = 1;
export const STATS_HINGE = 2;
export const STATS_MOMENT_GRADIENT2 = 3;
export const STATS_WORDS = 4;
export const STATS_BLOCK = 48;
