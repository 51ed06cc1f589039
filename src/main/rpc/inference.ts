/** `inference.*`: the contract's calls on predictions. */
import { exportPredictions, predictOnce, type PredictionExportContext } from '../inference/service.ts';
import { eventStream } from '../wire/stream.ts';
import type { Procedures } from './implementer.ts';

export function inferenceRouter({ inference }: Procedures, context: PredictionExportContext) {
  return inference.router({
    export: inference.export.handler(({ input, signal }) =>
      eventStream((cancelled) => exportPredictions(context, input, cancelled), signal),
    ),
    predict: inference.predict.handler(({ input, signal }) => predictOnce(context, input, signal)),
  });
}
