/** Whether a cluster can train: Ray answers, the shared folder is one, the program starts there and is of this version. */
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { shellQuote } from '#shared/domain/recipe/command-line.ts';
import type { Cluster, ClusterCheck } from '#shared/domain/runs/clusters.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { makeFolders } from '../../formats/files/make-folders.ts';
import { delay } from '../live/trainer-connection.ts';
import { hasEnded, type RayClient } from './client.ts';
import { writeSynced } from './shared-folder.ts';

const POLL_MS = 500;
/** For Ray to find a CPU and start a process. */
const PATIENCE_MS = 120_000;

const AnswerSchema = z.object({ version: z.string(), at: z.number(), machine: z.string() });
const ErrorLineSchema = z.object({ error: z.object({ message: z.string() }) });
type Answer = z.infer<typeof AnswerSchema>;

/** The other side, run by a job: reads what was put there and answers beside it. Throws where the folder is not shared. */
export async function answerCheck(folder: string, version: string): Promise<void> {
  await readFile(join(folder, 'question'));
  const answer: Answer = { version, at: Date.now(), machine: hostname() };
  await writeSynced(join(folder, 'answer.json'), JSON.stringify(answer));
}

/** Throws the first thing that is wrong: CLUSTER_UNREACHABLE, NO_PERMISSION, BAD_INPUT or CONFLICT. */
export async function checkCluster(client: RayClient, cluster: Cluster, version: string): Promise<ClusterCheck> {
  const rayVersion = await client.version();
  const id = `check-${randomBytes(6).toString('hex')}`;
  const folder = join(cluster.folder, id);
  try {
    await prepare(folder, cluster);
    const entryPoint = `${cluster.command} ray-job ${shellQuote(folder)} --check --json`;
    await client.submit({ id, entryPoint, cpus: 1, gpus: 0, memoryBytes: 0 });
    const answer = await awaitAnswer(client, cluster, id, folder);
    if (answer.version !== version) throw otherVersion(answer, version);
    return { rayVersion, machine: answer.machine, skewMs: answer.at - Date.now() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string, cluster: Cluster): Promise<void> {
  try {
    makeFolders(folder);
    await writeSynced(join(folder, 'question'), cluster.address);
  } catch (cause) {
    throw new NextvecError(
      'BAD_INPUT',
      `The shared folder ${cluster.folder} cannot be written here: ${messageOf(cause)}.`,
      {
        remedy: 'Mount it at that path on this machine and on all of the cluster.',
        details: { place: cluster.folder },
        cause,
      },
    );
  }
}

async function awaitAnswer(client: RayClient, cluster: Cluster, id: string, folder: string): Promise<Answer> {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    const job = await client.job(id);
    if (job !== null && hasEnded(job)) {
      const text = await readFile(join(folder, 'answer.json'), 'utf8').catch(() => null);
      if (text !== null) return AnswerSchema.parse(JSON.parse(text));
      const said = lastLogLine(await client.logs(id)) || (job.message ?? job.status);
      throw new NextvecError(
        'BAD_INPUT',
        `A job there could not answer through the shared folder ${cluster.folder}: ${said}`,
        {
          remedy: `Check on the cluster that "${cluster.command} --version" works and that the folder has the same path there.`,
          details: { place: cluster.address },
        },
      );
    }
    await delay(POLL_MS);
  }
  await client.stop(id);
  throw new NextvecError('CLUSTER_UNREACHABLE', `Ray at ${cluster.address} did not start a job within two minutes.`, {
    remedy: 'Look at "ray status" there: it may have no free CPU.',
    details: { place: cluster.address },
  });
}

function otherVersion({ machine, version }: Answer, own: string): NextvecError {
  return new NextvecError('CONFLICT', `${machine} has Nextvec ${version}, this machine ${own}.`, {
    remedy: 'Install the same version on all machines.',
  });
}

/** Lines that Ray writes into the log of a job, in no fixed order with those of the job. */
const OF_RAY = /^Running entrypoint for job |\bjob_manager\.py:\d+ -- /;

/** What a job said last, by its log; of an error of this program its message. */
export function lastLogLine(log: string): string {
  const lines = log.split('\n').map((line) => line.trim());
  const line = lines.findLast((text) => text !== '' && !OF_RAY.test(text)) ?? '';
  try {
    return ErrorLineSchema.parse(JSON.parse(line)).error.message;
  } catch {
    return line;
  }
}
