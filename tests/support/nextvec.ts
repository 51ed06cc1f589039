/** A Nextvec in a temporary folder with a small data set, for tests of the services. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Nextvec, NextvecOptions } from '../../src/main/nextvec.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { RunEvent, RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { writeChunks, type ChunkFile } from './chunks.ts';
import { openNextvec } from './open.ts';

export interface TestHome {
  readonly path: string;
  open(more?: Partial<NextvecOptions>): Promise<Nextvec>;
  /** Closes everything opened and removes the folder. */
  dispose(): Promise<void>;
}

/** `options`: of every Nextvec that is opened there. */
export async function testHome(options: Partial<NextvecOptions> = {}): Promise<TestHome> {
  const path = await mkdtemp(join(tmpdir(), 'nextvec-home-'));
  const opened: Nextvec[] = [];
  return {
    path,
    async open(more = {}) {
      const nextvec = await openNextvec(join(path, 'home'), { ...options, ...more });
      opened.push(nextvec);
      return nextvec;
    },
    async dispose() {
      await Promise.all(opened.map((nextvec) => nextvec.close()));
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** `history`: chunks before a window whose mean it reads; null: none. */
export async function importChunks(
  client: NextvecClient,
  path: string,
  chunks: ChunkFile,
  history: number | null = null,
): Promise<string> {
  await writeChunks(path, chunks);
  for await (const event of await client.datasets.import({ path, history }))
    if (event.type === 'done') return event.dataset.id;
  throw new Error('the import ended without a data set');
}

/** Watches a run until `until(event)`; returns all events. */
export async function follow(
  client: NextvecClient,
  runId: string,
  until: (event: RunEvent) => boolean,
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of await client.runs.watch({ runId })) {
    events.push(event);
    if (until(event)) return events;
  }
  throw new Error('the watch ended before what was waited for');
}

export async function followTo(client: NextvecClient, runId: string, ...statuses: RunStatus[]): Promise<RunSummary> {
  const ended: RunStatus[] = ['finished', 'stopped', 'failed', 'interrupted'];
  const events = await follow(
    client,
    runId,
    (event) => event.type === 'run' && [...statuses, ...ended].includes(event.run.status),
  );
  const last = events.at(-1);
  if (last?.type !== 'run' || !statuses.includes(last.run.status)) {
    const said = events.flatMap((e) => (e.type === 'log' ? [e.line.message] : []));
    throw new Error(
      `run is ${last?.type === 'run' ? `${last.run.status} (${last.run.reason})` : '?'}: ${said.join(' | ')}`,
    );
  }
  return last.run;
}
