/** Sizes of the models that train by gradient steps, AMN to Transformer. D is the vector width, T the context length. */
import { z } from 'zod';

const size = z.int().min(1).max(65_536);
const probability = z.number().min(0).lt(1);

/** What is subtracted from every input and added back to the output: the context's own mean, or the mean of the training data. */
export const INPUT_SHIFTS = ['relative', 'centred'] as const;
export type InputShift = (typeof INPUT_SHIFTS)[number];
/** Absent: nothing is subtracted, as published. */
const inputs = z.enum(INPUT_SHIFTS).optional();

export const GradientSpecSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('amn'),
    T: size,
    D: size,
    dModel: size,
    hiddenDim: size,
    /** What the residual is added to: the mean of the context (absent, as published), or learned position weights [T, D]. */
    skip: z.literal('positional').optional(),
    inputs,
  }),
  z.object({
    type: z.literal('lstm'),
    T: size,
    D: size,
    hiddenDim: size,
    numLayers: size,
    dropout: probability,
    inputs,
  }),
  z.object({ type: z.literal('gru'), T: size, D: size, dModel: size, numLayers: size, inputs }),
  z.object({
    type: z.literal('transformer'),
    T: size,
    D: size,
    dModel: size,
    heads: size,
    numLayers: size,
    feedForward: size,
    dropout: probability,
    inputs,
  }),
]);
/** Of a model that every engine trains by gradient steps. */
export type GradientSpec = z.infer<typeof GradientSpecSchema>;

export const GRADIENT_LABELS = {
  amn: 'AMN',
  lstm: 'LSTM',
  gru: 'GRU stack',
  transformer: 'Transformer',
} as const satisfies Record<GradientSpec['type'], string>;
