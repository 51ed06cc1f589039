/// <reference path="./types.d.ts" />
/** The operation record and the control block, through which all threads run one program. */

/** Bytes of one operation record: code, unit counter, unit count, then up to 29 arguments of 4 bytes. */
export const OP_BYTES = 128;
export const OP_COUNTER = 4;
export const OP_UNITS = 8;
export const OP_ARGS = 12;
/** Code of a barrier; the codes of kernels are in their declarations. */
export const OP_BARRIER = 0;

/** Byte offsets in the control block; one cache line for each word that threads write. */
export const CONTROL_SEQUENCE = 0;
export const CONTROL_SEQUENCE_WAITERS = 64;
export const CONTROL_ARRIVED = 128;
export const CONTROL_GENERATION = 192;
export const CONTROL_GENERATION_WAITERS = 256;
export const CONTROL_COMMAND = 320;
export const CONTROL_PROGRAM = 324;
export const CONTROL_OPS = 328;
export const CONTROL_THREADS = 332;
/** A FAULT value, set by a thread other than 0 and read by thread 0 after every program. */
export const CONTROL_FAULT = 336;
/** Not 0: wide tiles (6 × 16); see wide.ts. */
export const CONTROL_WIDE = 340;
export const CONTROL_BYTES = 384;

export const FAULT_NONE = 0;
export const FAULT_GATHER = 1;
/** A thread left its program with an exception. */
export const FAULT_THREAD = 2;
/** Thread 0 has seen FAULT_THREAD. */
export const FAULT_SEEN = 3;

export const COMMAND_RUN = 1;
/** Threads leave WebAssembly to read their messages, then return. */
export const COMMAND_LISTEN = 2;
