/** `clusters`: the Ray clusters of the settings; and `ray-job`, which Ray runs on them. */
import type { Command } from 'commander';
import { NextvecError } from '#shared/domain/errors.ts';
import { issueList } from '#shared/domain/short-text.ts';
import { ClusterSchema, type Cluster } from '#shared/domain/runs/clusters.ts';
import { programFiles } from '../../hosts/locations.ts';
import { defaultEntries } from '../../nextvec.ts';
import { answerCheck } from '../../runs/ray/check.ts';
import type { JobEvent } from '../../runs/ray/events.ts';
import { runJob } from '../../trainer/ray-job.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Output } from '../output.ts';
import { withSession, type Session } from '../session.ts';

interface ClusterFlags {
  readonly folder?: string;
  readonly command?: string;
  readonly cpus?: string;
  readonly gpus?: string;
  readonly jobs?: string;
}

const ACTIONS = ['list', 'add', 'test', 'remove'] as const;

export function addClusterCommands(program: Command, context: CommandContext): void {
  program
    .command('clusters [ACTION] [ADDRESS]')
    .description(`${ACTIONS.join(', ')}: Ray clusters that --on can name; ADDRESS is ray://HOST:PORT of the dashboard`)
    .option('--folder <DIR>', 'add: a folder with the same path here and on every machine of the cluster')
    .option('--command <S>', 'add: how its machines start this program, for their shell [nextvec]')
    .option('--cpus <N>', 'add: CPUs of a job whose recipe names no threads [2]')
    .option('--gpus <N>', 'add: GPUs of a job whose engine may use one [0]')
    .option('--jobs <N>', 'add: jobs at once [4]')
    .action((action: string | undefined, address: string | undefined, flags: ClusterFlags) =>
      context.run((out) => clusters(context, action ?? 'list', address, flags, out)),
    );
  program
    .command('ray-job <FOLDER>')
    .description('train what a folder of a cluster asks for; Ray runs this, not a person')
    .option('--check', 'only answer a test of the cluster')
    .action((folder: string, flags: { check?: boolean }) =>
      context.run((out) => rayJob(folder, flags.check ?? false, out)),
    );
}

function clusters(
  context: CommandContext,
  action: string,
  address: string | undefined,
  flags: ClusterFlags,
  out: Output,
): Promise<void> {
  if (action === 'list') return withSession(context.options(), out, 'any', (session) => list(session, out));
  if (address === undefined || !ACTIONS.some((known) => known === action)) {
    throw new NextvecError('BAD_INPUT', 'clusters needs an action and an address.', {
      remedy: `For example: nextvec clusters add ray://127.0.0.1:8265 --folder /shared/nextvec. Actions: ${ACTIONS.join(', ')}.`,
    });
  }
  const work = async (session: Session): Promise<void> => {
    const known = (await session.client.app.settings.get()).clusters;
    const others = known.filter((cluster) => cluster.address !== address);
    if (action === 'add') await session.client.app.settings.set({ clusters: [...others, readCluster(address, flags)] });
    else {
      const cluster = known.find((one) => one.address === address);
      if (cluster === undefined) throw unknownCluster(address);
      if (action === 'test') return test(session, cluster, out);
      await session.client.app.settings.set({ clusters: others });
    }
    await list(session, out);
  };
  return withSession(context.options(), out, 'owner', work);
}

function unknownCluster(address: string): NextvecError {
  return new NextvecError('NOT_FOUND', `There is no cluster ${address} in the settings.`, {
    remedy: 'List them with "nextvec clusters".',
    details: { place: address },
  });
}

function readCluster(address: string, { folder, command, cpus, gpus, jobs }: ClusterFlags): Cluster {
  const number = (word: string | undefined): number | undefined => (word === undefined ? undefined : Number(word));
  const parsed = ClusterSchema.safeParse({
    address,
    folder,
    command,
    cpus: number(cpus),
    gpus: number(gpus),
    jobs: number(jobs),
  });
  if (parsed.success) return parsed.data;
  throw new NextvecError(
    'BAD_INPUT',
    `The cluster cannot be kept: ${issueList(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })))}.`,
    {
      remedy: 'Give --folder and numbers in range; "nextvec clusters --help" has them.',
    },
  );
}

async function list({ client }: Session, out: Output): Promise<void> {
  const { clusters } = await client.app.settings.get();
  out.result({ type: 'clusters', clusters }, () => {
    if (clusters.length === 0) return out.line('No cluster is kept; "nextvec clusters add" keeps one.');
    return out.table(clusters, [
      { title: 'address', value: ({ address }) => address },
      { title: 'shared folder', value: ({ folder }) => folder },
      { title: 'command', value: ({ command }) => command },
      { title: 'CPUs', value: ({ cpus }) => cpus },
      { title: 'GPUs', value: ({ gpus }) => gpus },
      { title: 'jobs', value: ({ jobs }) => jobs },
    ]);
  });
}

async function test({ client }: Session, cluster: Cluster, out: Output): Promise<void> {
  const check = await client.runs.checkCluster({ cluster });
  out.result({ type: 'cluster', address: cluster.address, ...check }, () => {
    const clock = Math.abs(check.skewMs) < 5000 ? '' : ` Its clock is ${Math.round(check.skewMs / 1000)} s ahead.`;
    out.line(`Ray ${check.rayVersion}; a job on ${check.machine} read and wrote ${cluster.folder}.${clock}`);
  });
}

/** Status 1 where the run ended with an error, which is among its events. */
async function rayJob(folder: string, isCheck: boolean, out: Output): Promise<number> {
  const { version, resourcesDir } = programFiles();
  if (isCheck) {
    await answerCheck(folder, version);
    out.result({ type: 'answered' }, () => out.line('answered'));
    return EXIT.done;
  }
  const ending = new AbortController();
  process.once('SIGTERM', () => ending.abort());
  const { dataWorker } = defaultEntries();
  const onFlushed = (event: JobEvent): void => out.event(progressOf(event));
  const isDone = await runJob(folder, { version, resourcesDir, dataWorker, onFlushed, signal: ending.signal });
  out.result({ type: isDone ? 'ended' : 'failed' }, () => out.line(isDone ? 'ended' : 'failed'));
  return isDone ? EXIT.done : EXIT.failed;
}

/** What Ray's log shows of the newest event; the event itself lies in the shared folder. */
function progressOf(event: JobEvent): object {
  if (event.type === 'steps') {
    const { epoch, firstStep, count, rowsPerSecond } = event;
    return { type: 'steps', epoch, step: firstStep + count - 1, rowsPerSecond };
  }
  if (event.type === 'epoch')
    return { type: 'epoch', epoch: event.epoch, step: event.step, valCosine: event.valCosine };
  return { type: event.type };
}
