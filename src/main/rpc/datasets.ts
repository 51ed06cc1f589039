/** `datasets.*`: the contract's calls on the data set service. */
import { exportData, type DataExportContext } from '../datasets/worker-export.ts';
import type { DatasetService } from '../datasets/service.ts';
import { eventStream } from '../wire/stream.ts';
import type { Procedures } from './implementer.ts';

export function datasetsRouter({ datasets }: Procedures, service: DatasetService, context: DataExportContext) {
  return datasets.router({
    list: datasets.list.handler(() => service.list()),
    get: datasets.get.handler(({ input }) => service.get(input.id)),
    describe: datasets.describe.handler(({ input }) => service.describe(input.path)),
    preview: datasets.preview.handler(({ input, signal }) => service.preview(input, signal)),
    import: datasets.import.handler(({ input, signal }) =>
      eventStream((cancelled) => service.import(input, cancelled), signal),
    ),
    export: datasets.export.handler(({ input, signal }) =>
      eventStream((cancelled) => exportData(context, input, cancelled), signal),
    ),
    importSample: datasets.importSample.handler(() => service.importSample()),
    rename: datasets.rename.handler(({ input }) => service.rename(input.id, input.name)),
    delete: datasets.delete.handler(async ({ input }) => ({
      freedBytes: await service.delete(input.id, input.force),
    })),
    texts: datasets.texts.handler(({ input }) => service.texts(input.id, input.first, input.count)),
    windowTexts: datasets.windowTexts.handler(({ input }) => service.windowTexts(input.id, input.windows)),
    search: datasets.search.handler(({ input }) => service.search(input.id, input.words, input.limit)),
    proveSplit: datasets.proveSplit.handler(({ input }) =>
      service.proveSplit(input.id, input.ood, input.split, input.seed),
    ),
    coherenceStrip: datasets.coherenceStrip.handler(({ input }) => service.coherenceStrip(input.id)),
  });
}
