/** Calls about the program itself: what it runs on, which engines it has, settings, files a person may choose. */
import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { AdapterSchema } from '#shared/domain/runs/adapter.ts';
import { ENGINE_CHOICES } from '#shared/domain/recipe/recipe.ts';
import { ClusterSchema } from '#shared/domain/runs/clusters.ts';
import { FilePathSchema, mutation, query } from './call.ts';

export const EngineStatusSchema = z.object({
  name: z.enum(['simd', 'tensorflow', 'webgpu', 'wasm', 'cpu']),
  available: z.boolean(),
  /** Why it is missing, or what it lacks; empty when nothing is to be said. */
  reason: z.string(),
  adapter: AdapterSchema.optional(),
});

export const AppInfoSchema = z.object({
  version: z.string(),
  host: z.enum(['electron', 'node']),
  platform: z.string(),
  /** Storage folder. */
  home: z.string(),
  /** Electron and the Mac offer native dialogs; elsewhere `files.list` is the chooser. */
  nativeDialogs: z.boolean(),
  cores: z.int(),
});
export type AppInfo = z.infer<typeof AppInfoSchema>;

/** Not verifiable: data sets of version 0.1, which have no checksums, and runs that have not ended. */
export const StoredCheckSchema = z.object({
  state: z.enum(['whole', 'damaged', 'not verifiable']),
  /** What and where, and what to do; null: nothing is to be said. */
  problem: z.string().nullable(),
});
export type StoredCheck = z.infer<typeof StoredCheckSchema>;

export const DoctorSchema = z.object({
  node: z.string(),
  platform: z.string(),
  cores: z.int(),
  memoryBytes: z.number(),
  engines: z.array(EngineStatusSchema),
  storage: z.object({
    path: z.string(),
    writable: z.boolean(),
    freeBytes: z.number(),
    runs: z.int(),
    datasets: z.int(),
  }),
  /** Whether the files of each data set and the checkpoints of each run are as they were written; null: not asked for. */
  checks: z.array(StoredCheckSchema.extend({ kind: z.enum(['data set', 'run']), name: z.string() })).nullable(),
  browser: z.string().nullable(),
  electron: z.string().nullable(),
});
export type Doctor = z.infer<typeof DoctorSchema>;

/** Runs at once: a number, or measured whenever several wait. */
export const ParallelSchema = z.union([z.int().min(1).max(256), z.literal('auto')]);

export const SettingsSchema = z.object({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  engine: z.enum(ENGINE_CHOICES).default('auto'),
  /** null: all cores. */
  threads: z.int().min(1).max(256).nullable().default(null),
  /** Runs that train at once; `auto`: measured. */
  parallel: ParallelSchema.default(1),
  /** Ray clusters that runs can be sent to. */
  clusters: z
    .array(ClusterSchema)
    .max(50)
    .refine((clusters) => new Set(clusters.map(({ address }) => address)).size === clusters.length, {
      message: 'each cluster has an address of its own',
    })
    .default([]),
  /** Beside the last and the best checkpoint, keep the one of every k-th epoch; 0: none. */
  keepEveryEpochs: z.int().min(0).max(100_000).default(0),
  /** Progress in the menu bar or system tray; desktop app only. */
  menuBar: z.boolean().default(false),
});
export type Settings = z.infer<typeof SettingsSchema>;

export const DirectoryEntrySchema = z.object({
  name: z.string(),
  path: z.string(),
  kind: z.enum(['folder', 'file']),
  bytes: z.number().nullable(),
  modifiedAt: z.number().nullable(),
});
export type DirectoryEntry = z.infer<typeof DirectoryEntrySchema>;

/** What a file is chosen for; each has its own kinds of file. */
export const FILE_PURPOSES = ['dataset', 'context', 'run', 'recipe'] as const;
export type FilePurpose = (typeof FILE_PURPOSES)[number];

export interface FileKind {
  /** What a person calls such files. */
  readonly title: string;
  /** Without the dot. */
  readonly extensions: readonly string[];
  /** Part of the name of files whose extension says nothing. */
  readonly mark?: string;
}

export const FILE_KINDS: Readonly<Record<FilePurpose, FileKind>> = {
  dataset: {
    title: 'Vectors',
    extensions: [
      'npz',
      'npy',
      'safetensors',
      'parquet',
      'arrow',
      'feather',
      'h5',
      'hdf5',
      'jsonl',
      'csv',
      'tsv',
      'gz',
      'zst',
    ],
  },
  context: { title: 'Contexts', extensions: ['npz', 'npy', 'safetensors'] },
  run: {
    title: 'Checkpoints and histories',
    extensions: ['safetensors', 'pt', 'pth', 'npz', 'json', 'wandb'],
    mark: 'tfevents',
  },
  recipe: { title: 'Recipes', extensions: ['json'] },
};

export const appContract = {
  info: query.output(AppInfoSchema),
  /**
   * Which engines there are is found out once; `afresh`: now, for instance after one was installed. `check`: read every
   * stored data set and checkpoint.
   */
  doctor: query
    .input(z.object({ afresh: z.boolean().default(false), check: z.boolean().default(false) }).optional())
    .output(DoctorSchema),
  settings: {
    get: query.output(SettingsSchema),
    set: mutation
      .meta({ files: ['clusters.*.folder'] })
      .input(SettingsSchema.partial())
      .output(SettingsSchema),
  },
  files: {
    /** Folders and files of a purpose below a root; `null` lists the roots. Only folders given at start are open. */
    list: query
      .meta({ files: ['path'] })
      .input(z.object({ path: FilePathSchema.nullable(), purpose: z.enum(FILE_PURPOSES).default('dataset') }))
      .output(
        z.object({
          path: z.string().nullable(),
          parent: z.string().nullable(),
          entries: z.array(DirectoryEntrySchema),
        }),
      ),
    /** The native dialog; null when the person cancelled. */
    choose: query.input(z.object({ purpose: z.enum(FILE_PURPOSES) })).output(z.object({ path: z.string().nullable() })),
    /** Shows the storage folder in the system's file manager (Electron only). */
    revealHome: query.output(z.object({ shown: z.boolean() })),
  },
  /** The page as it is shown (desktop app only): draws it, then saves what was drawn behind the save dialog. */
  pdf: {
    draw: query,
    /** `name`: of the file, without its extension. `path`: null when the person cancelled. */
    save: query.input(z.object({ name: z.string().max(200) })).output(z.object({ path: z.string().nullable() })),
  },
  /** Menu commands and other requests of the host to the window, e.g. "new-run". */
  commands: query.output(eventIterator(z.object({ command: z.string(), path: z.string().nullable() }))),
};
