/** Progress and training time of one life of a run, and the time left at its own pace. Times in milliseconds. */
export class RunClock {
  /** Last step taken in this life. */
  step = 0;
  private readonly durationBeforeMs: number;
  private firstStep = 0;
  private totalSteps = 0;
  private hasStarted = false;
  private trainedMs = 0;
  /** When training last began or was resumed; null while it does not train. */
  private trainingSince: number | null = null;

  /** `durationBeforeMs`: trained in earlier lives. */
  constructor(durationBeforeMs: number) {
    this.durationBeforeMs = durationBeforeMs;
  }

  /** Training begins after `step` of `totalSteps`. */
  start(step: number, totalSteps: number): void {
    this.firstStep = step;
    this.step = step;
    this.totalSteps = totalSteps;
    this.hasStarted = true;
  }

  /** Runs the clock while `isTraining`. */
  run(isTraining: boolean): void {
    const now = performance.now();
    if (this.trainingSince !== null) this.trainedMs += now - this.trainingSince;
    this.trainingSince = isTraining ? now : null;
  }

  /** Trained over all lives. */
  get durationMs(): number {
    return this.durationBeforeMs + this.ownMs();
  }

  /** Time left, evaluation included; null before the first step and while it does not train. */
  get etaMs(): number | null {
    const steps = this.step - this.firstStep;
    if (!this.hasStarted || this.trainingSince === null || steps < 1) return null;
    return (this.ownMs() / steps) * Math.max(0, this.totalSteps - this.step);
  }

  private ownMs(): number {
    return this.trainedMs + (this.trainingSince === null ? 0 : performance.now() - this.trainingSince);
  }
}
