/** The matrix of a cross-test while it fills, a cell at a time. */
import { shallowRef } from 'vue';
import type { MatrixCell } from '#shared/contract/evaluation.ts';
import { client } from '../../rpc.ts';
import { useWork } from '../../ui/feedback/use-work.ts';

export function cellKey(runId: string, datasetId: string): string {
  return `${runId} ${datasetId}`;
}

export function useCrossTest() {
  /** By `cellKey`. */
  const cells = shallowRef<ReadonlyMap<string, MatrixCell>>(new Map());
  const work = useWork();

  function start(runIds: string[], datasetIds: string[]): Promise<void> {
    return work.start(
      (signal) => client.evaluation.crossTest({ runIds, datasetIds }, { signal }),
      ({ cell }) => (cells.value = new Map(cells.value).set(cellKey(cell.runId, cell.datasetId), cell)),
    );
  }

  return { ...work, cells, start };
}
