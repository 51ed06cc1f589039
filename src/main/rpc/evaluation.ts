/** `evaluation.*`: the contract's calls on evaluations, comparisons, loss balance and reports. */
import type { LossBalance } from '../evaluation/balance.ts';
import type { WindowInspector } from '../evaluation/inspection.ts';
import type { VectorMaps } from '../evaluation/maps.ts';
import { compare, crossTest, evaluateEvents } from '../evaluation/service.ts';
import type { SpaceComparisons } from '../evaluation/space.ts';
import { claims, makeModelCard, reportEvents, type ReportContext } from '../reports/service.ts';
import { listEvaluations } from '../store/evaluations.ts';
import { requireRun } from '../store/runs.ts';
import { eventStream } from '../wire/stream.ts';
import type { Procedures } from './implementer.ts';

export interface EvaluationServices {
  readonly context: ReportContext;
  readonly inspector: WindowInspector;
  readonly maps: VectorMaps;
  readonly spaces: SpaceComparisons;
  readonly balance: LossBalance;
}

export function evaluationRouter(
  { evaluation }: Procedures,
  { context, inspector, maps, spaces, balance }: EvaluationServices,
) {
  const { db } = context.home;
  const id = (handle: string): string => requireRun(db, handle).id;
  return evaluation.router({
    evaluate: evaluation.evaluate.handler(({ input, signal }) =>
      eventStream((cancelled) => evaluateEvents(context, input, cancelled), signal),
    ),
    list: evaluation.list.handler(({ input }) => listEvaluations(db, id(input.runId))),
    inspect: evaluation.inspect.handler(({ input }) => inspector.inspect(input.runId, input)),
    crossTest: evaluation.crossTest.handler(({ input, signal }) =>
      eventStream((cancelled) => crossTest(context, input.runIds, input.datasetIds, cancelled), signal),
    ),
    compareRuns: evaluation.compareRuns.handler(({ input }) => {
      claims(context);
      return compare(context, input.runIds);
    }),
    compareData: evaluation.compareData.handler(({ input }) => spaces.compare(input.a, input.b)),
    map: evaluation.map.handler(({ input, signal }) =>
      eventStream((cancelled) => maps.map(input.id, input.method, input.runId, cancelled), signal),
    ),
    firstBatches: evaluation.firstBatches.handler(({ input, signal }) =>
      eventStream((cancelled) => balance.firstBatches(input.recipe, cancelled), signal),
    ),
    balance: evaluation.balance.handler(({ input, signal }) =>
      eventStream((cancelled) => balance.balance(input.recipe, input.shares, cancelled), signal),
    ),
    report: evaluation.report.handler(({ input, signal }) =>
      eventStream((cancelled) => reportEvents(context, input, cancelled), signal),
    ),
    modelCard: evaluation.modelCard.handler(({ input }) => makeModelCard(context, id(input.runId), input.format)),
    claims: evaluation.claims.handler(() => claims(context)),
  });
}
