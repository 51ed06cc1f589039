/** Progress of an import over its phases, at most twenty times a second. Weights are rough costs of a byte or a window. */

export type ImportPhase = 'converting' | 'reading' | 'hashing' | 'measuring';

export interface ImportStatus {
  readonly phase: ImportPhase;
  /** 0..1 over all phases. */
  readonly fraction: number;
  /** null while too little is done for an estimate. */
  readonly etaMs: number | null;
}

export type ProgressListener = (status: ImportStatus) => void;

const INTERVAL_MS = 50;
/** Share of the time each phase takes, measured on files of 46 MB and 13 GB. */
const SHARES: Readonly<Record<ImportPhase, readonly [from: number, to: number]>> = {
  converting: [0, 1],
  reading: [0, 0.65],
  hashing: [0.65, 0.8],
  measuring: [0.8, 1],
};
/** Share of the whole that converting rows takes, where it is needed. */
const CONVERTING = 0.5;

export class ImportProgress {
  private readonly startedMs = performance.now();
  private readonly listener: ProgressListener | undefined;
  private phase: ImportPhase = 'reading';
  private converted = false;
  private total = 0;
  private done = 0;
  private lastMs = 0;

  constructor(listener: ProgressListener | undefined) {
    this.listener = listener;
  }

  /** Bytes of the file of rows. */
  converting(bytes: number): void {
    this.converted = true;
    this.enter('converting', bytes);
  }

  /** Bytes of the arrays of vectors. */
  reading(bytes: number): void {
    this.enter('reading', bytes);
  }

  /** Bytes of the file. */
  hashing(bytes: number): void {
    this.enter('hashing', bytes);
  }

  measuring(windows: number): void {
    this.enter('measuring', windows);
  }

  /** Bytes or windows done since the last call. */
  add(count: number): void {
    this.done += count;
    const now = performance.now();
    if (!this.listener || now - this.lastMs < INTERVAL_MS) return;
    this.lastMs = now;
    const fraction = this.fraction();
    const elapsedMs = now - this.startedMs;
    const etaMs = fraction > 0.02 && elapsedMs > 300 ? (elapsedMs * (1 - fraction)) / fraction : null;
    this.listener({ phase: this.phase, fraction, etaMs });
  }

  private fraction(): number {
    const [from, to] = SHARES[this.phase];
    const ofPhase = from + (to - from) * Math.min(1, this.done / Math.max(1, this.total));
    if (this.phase === 'converting') return CONVERTING * ofPhase;
    return this.converted ? CONVERTING + (1 - CONVERTING) * ofPhase : ofPhase;
  }

  private enter(phase: ImportPhase, total: number): void {
    this.phase = phase;
    this.total = total;
    this.done = 0;
  }
}
