/** `datasets.*`: the contract's calls on the data set service. */
import { exportData, type DataExportContext } from '../datasets/worker-export.ts';
import type { DatasetService } from '../datasets/service.ts';
import { requireInside } from '../system/files.ts';
import type { NativeHooks } from '../system/native.ts';
import { eventStream } from '../wire/stream.ts';
import type { Procedures } from './implementer.ts';

export interface DatasetsServices {
  readonly service: DatasetService;
  /** Folders whose files may be read; null: all. */
  readonly roots: readonly string[] | null;
  readonly native: NativeHooks;
  readonly exports: DataExportContext;
}

export function datasetsRouter({ datasets }: Procedures, { service, roots, native, exports }: DatasetsServices) {
  return datasets.router({
    list: datasets.list.handler(() => service.list()),
    get: datasets.get.handler(({ input }) => service.get(input.id)),
    describe: datasets.describe.handler(({ input, signal }) => service.describe(input.path, signal)),
    preview: datasets.preview.handler(({ input, signal }) => service.preview(input, signal)),
    import: datasets.import.handler(({ input, signal }) =>
      eventStream((cancelled) => service.import(input, cancelled), signal),
    ),
    export: datasets.export.handler(({ input, signal }) =>
      eventStream((cancelled) => exportData(exports, input, cancelled), signal),
    ),
    importAgain: datasets.importAgain.handler(async ({ input, signal }) => {
      if (roots !== null) await requireInside(service.get(input.id).sourcePath, roots);
      return eventStream((cancelled) => service.importAgain(input.id, cancelled), signal);
    }),
    importSample: datasets.importSample.handler(() => service.importSample()),
    importTurnedSample: datasets.importTurnedSample.handler(() => service.importTurnedSample()),
    rename: datasets.rename.handler(({ input }) => service.rename(input.id, input.name)),
    delete: datasets.delete.handler(async ({ input }) => ({
      freedBytes: await service.delete(input.id, input.force),
    })),
    reveal: datasets.reveal.handler(async ({ input }) => {
      const folder = service.folder(input.id);
      await native.revealFolder?.(folder);
      return { shown: native.revealFolder !== undefined, folder };
    }),
    texts: datasets.texts.handler(({ input }) => service.texts(input.id, input.first, input.count)),
    windowTexts: datasets.windowTexts.handler(({ input }) => service.windowTexts(input.id, input.windows)),
    search: datasets.search.handler(({ input }) => service.search(input.id, input.words, input.limit)),
    proveSplit: datasets.proveSplit.handler(({ input }) =>
      service.proveSplit(input.id, input.ood, input.split, input.seed),
    ),
    articles: datasets.articles.handler(({ input }) => service.articles(input.id)),
    articleSides: datasets.articleSides.handler(({ input }) => service.articleSides(input.id, input.split, input.seed)),
  });
}
