/**
 * Sequences: T steps one after another, each P = ⌈B/8⌉ panels, so that a step is a matrix of its own and a product over
 * all steps is one. Row t·8P + b of a strip belongs to step t, batch row b; rows beyond B have zero gradients.
 */
import { SequenceInput as InputOperation } from '../abi/input.ts';
import { Combine } from '../abi/sequence.ts';
import { FLOAT_BYTES, PANEL_ROWS, paddedFeatures, panelCount, type Arena, type Matrix } from '../layout.ts';
import type { BatchInput } from '../input.ts';
import type { Program } from '../program.ts';

/** Most panels one kernel adds up. */
const MAX_SOURCES = 4;

/** Rows of `steps` steps of a batch of B, pads included. */
export function sequenceRows(steps: number, B: number): number {
  return steps * PANEL_ROWS * panelCount(B);
}

/** Panels from step t on. */
export function stepPanel(panel: Matrix, t: number, B: number): Matrix {
  return { ...panel, at: panel.at + t * panelCount(B) * panel.pitch };
}

/** A strip from step t on; `width` is 8 or 12. */
export function stepStrip(strip: Matrix, width: 8 | 12, t: number, B: number): Matrix {
  return { ...strip, at: strip.at + sequenceRows(t, B) * width * FLOAT_BYTES };
}

/** Activations of a sequence, or of its last step alone. */
export interface Sequence {
  readonly panel: Matrix;
  readonly strip: Matrix;
}

/** Gradient of a sequence as sums of panels: some over all steps, some on the last step alone. */
export interface SequenceGradient {
  readonly everywhere: readonly Matrix[];
  readonly last: readonly Matrix[];
}

interface GradientRange {
  readonly from: number;
  readonly steps: number;
  readonly sources: readonly Matrix[];
}

/** The gradient as ranges of steps with the same number of sources. */
export function gradientRanges({ everywhere, last }: SequenceGradient, T: number, B: number): GradientRange[] {
  if (last.length === 0) return [{ from: 0, steps: T, sources: everywhere }];
  const end = { from: T - 1, steps: 1, sources: [...everywhere.map((panel) => stepPanel(panel, T - 1, B)), ...last] };
  return T > 1 ? [{ from: 0, steps: T - 1, sources: everywhere }, end] : [end];
}

type Sources = Pick<Combine, 'source0' | 'source1' | 'source2' | 'source3'>;

/** The addresses of one to four sources, 0 where there is none. */
export function sourceAddresses(sources: readonly Matrix[]): Sources {
  if (sources.length < 1 || sources.length > MAX_SOURCES) {
    throw new Error(`simd sequence: a sum of ${sources.length} panels; 1 to ${MAX_SOURCES} can be added`);
  }
  const [source0, source1, source2, source3] = Array.from({ length: MAX_SOURCES }, (_, i) => sources[i]?.at ?? 0);
  return { source0, source1, source2, source3 };
}

interface Combination {
  readonly out: Matrix;
  readonly sources: readonly Matrix[];
  readonly steps: number;
  readonly B: number;
  /** The sum again as strip. */
  readonly strip12?: Matrix;
  readonly strip8?: Matrix;
  /** Added to every row of a step: address of [T][F] floats. */
  readonly positions?: number;
}

/** out = Σ sources over `steps` steps (any source may be `out`); no barrier. */
export function combine(program: Program, label: string, sum: Combination): void {
  const { out, sources, steps, B, strip12, strip8, positions } = sum;
  const P = panelCount(B);
  program.add(label, Combine, steps * P, {
    out: out.at,
    pitch: out.pitch,
    F: out.features,
    ...sourceAddresses(sources),
    positions: positions ?? 0,
    positionBytes: out.features * FLOAT_BYTES,
    P,
    strip12: strip12?.at ?? 0,
    strip12Pitch: strip12?.pitch ?? 0,
    strip8: strip8?.at ?? 0,
    strip8Pitch: strip8?.pitch ?? 0,
  });
}

/** out = the gradient, over all T steps as panel and strip8; no barrier. */
export function combineGradient(
  program: Program,
  label: string,
  gradient: SequenceGradient,
  { panel, strip, T, B }: { readonly panel: Matrix; readonly strip: Matrix; readonly T: number; readonly B: number },
): void {
  for (const { from, steps, sources } of gradientRanges(gradient, T, B)) {
    const strip8 = stepStrip(strip, 8, from, B);
    combine(program, label, { out: stepPanel(panel, from, B), sources, steps, B, strip8 });
  }
}

/** The context as a sequence, and the inverse norms that the losses need. */
export class SequenceInput implements Sequence {
  readonly panel: Matrix;
  readonly strip: Matrix;
  private readonly input: BatchInput;

  constructor(arena: Arena, input: BatchInput, maxB: number) {
    const rows = sequenceRows(input.T, maxB);
    this.input = input;
    this.panel = arena.panel(input.D, rows);
    this.strip = arena.strip12(input.D, rows);
  }

  /** No barrier. */
  forward(program: Program, slot: number, B: number): void {
    const { T, D, networkNorms } = this.input;
    const { at, pitch } = this.input.networkContexts(slot);
    program.add('sequence input', InputOperation, T * panelCount(B), {
      contexts: at,
      T,
      rowBytes: pitch,
      B,
      panel: this.panel.at,
      pitch: this.panel.pitch,
      strip: this.strip.at,
      stripPitch: this.strip.pitch,
      features: paddedFeatures(D),
      inverseContextNorms: networkNorms,
      P: panelCount(B),
    });
  }
}
