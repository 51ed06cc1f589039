/** `evaluation.*`: evaluation, cross-test, comparison, balance, reports and claims; the work is done in data workers. */
import type { VectorMap } from '#shared/domain/datasets/vector-map.ts';
import { balanceEvents, firstBatchesEvents } from '../evaluation/balance.ts';
import { compare, crossTest, evaluateEvents } from '../evaluation/service.ts';
import { inspectWindow } from '../evaluation/inspection.ts';
import { mapEvents } from '../evaluation/map-events.ts';
import { knownSpace } from '../evaluation/space.ts';
import { claims, makeModelCard, reportEvents } from '../reports/service.ts';
import { listEvaluations } from '../store/evaluations.ts';
import { KnownAnswers } from '../worker/known-answers.ts';
import type { Services } from './context.ts';
import { procedures } from './implementer.ts';
import { eventStream } from '../wire/stream.ts';

/** Some 100 kB each. */
const MAPS_KEPT = 20;

export function evaluationRouter(services: Services) {
  const { evaluation } = procedures;
  const maps = new KnownAnswers<VectorMap>(MAPS_KEPT);
  const id = (handle: string): string => services.runs.row(handle).id;
  return evaluation.router({
    evaluate: evaluation.evaluate.handler(({ input, signal }) =>
      eventStream((cancelled) => evaluateEvents(services, input.runId, input.datasetId, input.part, cancelled), signal),
    ),
    list: evaluation.list.handler(({ input }) => listEvaluations(services.home.db, id(input.runId))),
    inspect: evaluation.inspect.handler(({ input }) =>
      inspectWindow(services, input.runId, input.datasetId, input.part, input.pick),
    ),
    crossTest: evaluation.crossTest.handler(({ input, signal }) =>
      eventStream((cancelled) => crossTest(services, input.runIds, input.datasetIds, cancelled), signal),
    ),
    compareRuns: evaluation.compareRuns.handler(({ input }) => {
      claims(services);
      return compare(services, input.runIds);
    }),
    compareData: evaluation.compareData.handler(({ input }) => knownSpace(services, input.a, input.b)),
    map: evaluation.map.handler(({ input, signal }) =>
      eventStream((cancelled) => mapEvents(services, maps, input.id, input.method, input.runId, cancelled), signal),
    ),
    firstBatches: evaluation.firstBatches.handler(({ input, signal }) =>
      eventStream((cancelled) => firstBatchesEvents(services, input.recipe, cancelled), signal),
    ),
    balance: evaluation.balance.handler(({ input, signal }) =>
      eventStream((cancelled) => balanceEvents(services, input.recipe, input.shares, cancelled), signal),
    ),
    report: evaluation.report.handler(({ input, signal }) =>
      eventStream((cancelled) => reportEvents(services, input, cancelled), signal),
    ),
    modelCard: evaluation.modelCard.handler(({ input }) => makeModelCard(services, id(input.runId), input.format)),
    claims: evaluation.claims.handler(() => claims(services)),
  });
}
