/** `inference.*`: the contract's calls on single predictions. */
import { predictOnce, type PredictionContext } from '../inference/service.ts';
import type { Procedures } from './implementer.ts';

export function inferenceRouter({ inference }: Procedures, context: PredictionContext) {
  return inference.router({
    predict: inference.predict.handler(({ input, signal }) => predictOnce(context, input, signal)),
  });
}
