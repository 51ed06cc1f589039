/**
 * The one interface every engine offers. Typed arrays in and out; no Electron, SQL, files or DOM.
 * B rows of a batch, T context length, D vector width. All matrices are row-major float32.
 */
import type { LossConfig } from '#shared/domain/models/terms.ts';
import type { GradientSpec, ModelSpec } from '#shared/domain/models/models.ts';
import type { Adapter, Tiling } from '#shared/domain/runs/adapter.ts';

export const ENGINE_NAMES = ['simd', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Tensors of a model (or anything shaped like them) under their PyTorch names, each row-major. */
export type NamedTensors = Map<string, Float32Array>;

/**
 * Windows over a store of distinct vectors: window w is T+1 vector ids, the last one the target.
 * `gather` is the only way every source offers; a source whose vectors lie in shared memory also says where.
 */
export interface WindowSource {
  readonly windows: number;
  readonly T: number;
  readonly D: number;
  /** Copies windows `ids` into contexts [ids.length, T, D] and targets [ids.length, D]. Converts float16 to float32. */
  gather(ids: Uint32Array, contexts: Float32Array, targets: Float32Array): void;
  readonly shared?: SharedVectors;
  /** File of the vectors when they do not fit into memory; engines that support it read rows from there on any thread. */
  readonly paged?: PagedVectors;
}

/** Vectors in a file, row after row without gaps, little-endian. */
export interface PagedVectors {
  readonly dtype: 'float32' | 'float16';
  readonly file: string;
  readonly vectors: number;
  /** Window index [windows, T+1] of uint32 vector ids. */
  readonly index: SharedArrayBuffer;
}

export interface SharedVectors {
  readonly dtype: 'float32' | 'float16';
  /** Vectors in segments of `segmentRows` rows (the last may be shorter): element (r, d) is at (r % segmentRows)·D + d. */
  readonly segments: readonly SharedArrayBuffer[];
  readonly segmentRows: number;
  /** Window index [windows, T+1] of uint32 vector ids. */
  readonly index: SharedArrayBuffer;
}

export interface OptimizerConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled weight decay, on all parameters. */
  readonly weightDecay: number;
  /** Global L2 norm the gradient is clipped to; 0 turns clipping off. */
  readonly clip: number;
}

export interface TrainStepInput {
  readonly source: WindowSource;
  /** Window ids of this batch; any length ≥ 1. */
  readonly ids: Uint32Array;
  /** Window ids of the next batch when known, so that an engine may gather it early. */
  readonly nextIds?: Uint32Array;
  readonly lr: number;
  /** 1-based optimiser step: Adam's bias correction and the dropout stream derive from it. */
  readonly step: number;
}

/** What one step measured. Arrays are in `TERMS` order; a term that is undefined for this batch (moment at B = 1) is NaN. */
export interface StepStats {
  /** Σ λ_k · value_k. */
  readonly total: number;
  /** Unweighted value of each term. */
  readonly values: Float64Array;
  /** ‖λ_k · ∂term_k/∂raw‖₂ of each term. */
  readonly gradNorms: Float64Array;
  /** Global L2 norm of all parameter gradients before clipping. */
  readonly gradNorm: number;
  /** Mean cosine of prediction and target over the batch, before the update. */
  readonly cosine: number;
}

/** The losses of one batch and the gradient norms over all parameters of each unweighted term; changes nothing. */
export interface LossProbe {
  readonly total: number;
  readonly values: Float64Array;
  /** ‖λ_k · ∂term_k/∂raw‖₂. */
  readonly gradNorms: Float64Array;
  /** Global L2 norm over all parameters of the gradient of each *unweighted* term. */
  readonly partGradNorms: Float64Array;
  /** Gradient of the total over all parameters, before clipping; 0 for constants of the model. */
  readonly gradients: NamedTensors;
  readonly gradNorm: number;
}

export interface OptimizerState {
  /** Steps taken. */
  readonly step: number;
  /** First and second moments, shaped like the parameters. */
  readonly m: NamedTensors;
  readonly v: NamedTensors;
}

export interface Prediction {
  /** Model output before normalisation [B, D]. */
  readonly raw: Float32Array;
  /**
   * Attention weights [B, T] where the model has one set per context position: AMN's own, and of a Transformer the
   * attention of its last layer from the last step, mean over its heads. Absent where it has none, or the engine keeps none.
   */
  readonly attention?: Float32Array;
  /** Of a Gram mixture, in the order of `listParts`. */
  readonly mixture?: MixtureWeights;
}

/** What each of K parts has to do with a prediction. */
export interface MixtureWeights {
  /** a_k of raw = Σ_k a_k·c_k. [B, K] */
  readonly coefficients: Float32Array;
  /** Share of the prediction, a_k·⟨c_k, raw⟩/‖raw‖²: those of a row sum to 1; negative where a part is subtracted. [B, K] */
  readonly shares: Float32Array;
}

/** A trained model: the forward pass that training used. */
export interface Predictor {
  readonly spec: ModelSpec;
  /** Contexts [B, T, D]; any B ≥ 1, split as the implementation likes. */
  predict(contexts: Float32Array, B: number): Prediction | Promise<Prediction>;
}

export interface ModelOptions {
  readonly spec: GradientSpec;
  readonly loss: LossConfig;
  readonly optimizer: OptimizerConfig;
  /** Seeds the dropout stream; initial parameters are given, not drawn here. */
  readonly seed: number;
  readonly parameters: NamedTensors;
  /** Largest batch a step will see; engines may allocate for it. */
  readonly maxBatch: number;
}

export interface TrainableModel extends Predictor {
  readonly spec: GradientSpec;
  /**
   * Steps that may be under way before the figures of the first are awaited; absent: 0. Everything else that the model
   * does follows the steps submitted before.
   */
  readonly stepsAhead?: number;
  /** One forward, backward and AdamW update. */
  trainStep(input: TrainStepInput): StepStats | Promise<StepStats>;
  /** Losses and gradients of one batch in evaluation mode (no dropout, no update). contexts [B,T,D], targets [B,D]. */
  probe(contexts: Float32Array, targets: Float32Array, B: number): LossProbe | Promise<LossProbe>;
  readParameters(): NamedTensors | Promise<NamedTensors>;
  writeParameters(parameters: NamedTensors): void | Promise<void>;
  readOptimizer(): OptimizerState | Promise<OptimizerState>;
  writeOptimizer(state: OptimizerState): void | Promise<void>;
  /** Threads from the next step on; results do not depend on them. Absent: it has no threads of its own. */
  setThreads?(threads: number): void;
  /** λ, τ and margins may change between steps (Balance). */
  setLoss(loss: LossConfig): void;
  dispose(): void;
}

/** How an engine was set up; recorded with every run. */
export interface EngineInfo {
  readonly name: EngineName;
  readonly version: string;
  readonly threads: number;
  /** e.g. "relaxed-simd-fma" or "simd128" for `simd`, the adapter for `webgpu`; the tfjs backend's own word elsewhere. */
  readonly variant: string;
  /** Width of the vectors `simd` computes with, in bits; its results are the same for each. Absent elsewhere. */
  readonly vectorBits?: number;
  /** The GPU of `webgpu`. */
  readonly adapter?: Adapter;
  /** Its tiles of matrix products; absent where it uses none. */
  readonly tiling?: Tiling;
  /** Results are bit-identical from run to run and for any thread count. */
  readonly deterministic: boolean;
}

export interface Engine {
  readonly info: EngineInfo;
  createModel(options: ModelOptions): Promise<TrainableModel>;
  dispose(): Promise<void>;
}

/** What an engine needs of the process it runs in: engines touch neither files nor threads of their own accord. */
export interface EngineHost {
  /** Bytes of a shipped file below `resources/`, e.g. "wasm/kernels-relaxed.wasm". */
  readResource(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Folder (with a trailing slash) of tfjs-backend-wasm's .wasm files; absent: beside its module, as npm installs it. */
  readonly tfjsWasmPath?: string;
  /** Folder that `nextvec engines install tensorflow` made; absent: there is none. */
  readonly tensorflowFolder?: string;
  /** Starts a thread that runs `src/engine/simd/worker.ts`; absent where threads or shared memory are missing. */
  readonly spawnSimdThread?: () => EngineThread;
  /**
   * Enables 256-bit instructions for pairs of 128-bit WebAssembly vectors; call it before kernels are compiled. Returns
   * whether the runtime supports it; whether it is faster must be measured. Absent: not supported.
   */
  readonly pairVectors?: () => boolean;
  /** Why the system's Vulkan loader cannot be loaded; empty: it can, or `webgpu` does not need it here. */
  readonly vulkanProblem?: () => string;
  /** Cores this process may use. */
  readonly hardwareThreads: number;
  /** Bytes of the machine's memory; absent: not known. */
  readonly memoryBytes?: number;
}

/** The part of a worker that an engine uses, the same for Node's worker_threads and a browser's Worker. */
export interface EngineThread {
  postMessage(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onError(listener: (error: Error) => void): void;
  terminate(): Promise<void> | void;
}

/** Why an engine cannot run here, for `doctor` and Settings. */
export interface EngineAvailability {
  readonly name: EngineName;
  readonly available: boolean;
  /** Empty when available without reservation; else what is missing or slower, and what to do. */
  readonly reason: string;
  /** The GPU of `webgpu`, where it is available. */
  readonly adapter?: Adapter;
}
