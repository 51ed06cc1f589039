/** `serve` and `doctor`. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { homedir } from 'node:os';
import type { Command } from 'commander';
import type { Doctor } from '#shared/contract/app.ts';
import { adapterWords, type Adapter } from '#shared/domain/runs/adapter.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { checkTarget, writeTarget } from '../../formats/files/output-file.ts';
import { programFiles } from '../../hosts/locations.ts';
import type { Nextvec } from '../../nextvec.ts';
import { endWithin } from '../../hosts/shutdown.ts';
import { makeBundle, type BundleOptions } from '../../system/bundle.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { formatBytes, type Output } from '../output.ts';
import { runtimes, withSession } from '../session.ts';

/** From SIGTERM to exit; saving a live run usually takes a second. */
const CLOSING_MS = 4500;

interface DoctorFlags {
  readonly check?: boolean;
  readonly bundle?: string;
}

interface ServeFlags {
  readonly port?: string;
  readonly root?: string[];
  readonly open?: boolean;
}

export function addHostCommands(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description('serve the window as a page on 127.0.0.1; reach it from elsewhere through ssh -L')
    .option('--port <N>', 'port; 0 takes any free one [the same at each start, or any free one where it is taken]')
    .option('--root <DIR...>', 'folders whose files the page may read [home folder]')
    .option('--open', 'open the page in the browser')
    .action((flags: ServeFlags) => context.run((out) => serve(context, flags, out)));
  program
    .command('doctor')
    .description('what this machine has: engines, storage, browser, Electron')
    .option('--check', 'also read every stored data set and checkpoint against its recorded checksums')
    .option('--bundle <F.zip>', 'write versions, settings and logs for a report of a fault; no data, no names')
    .action((flags: DoctorFlags) => context.run((out) => doctor(context, flags, out)));
}

function readPort(word: string): number {
  const port = Number(word);
  if (/^\d+$/.test(word) && port <= 65_535) return port;
  throw new NextvecError('BAD_INPUT', `--port needs a number from 0 to 65535, not "${word}".`);
}

function readRoots(roots: readonly string[]): string[] {
  const found = roots.map((root) => resolve(root));
  const missing = found.find((root) => !existsSync(root));
  if (missing) throw new NextvecError('FILE_NOT_FOUND', `--root: there is no folder ${missing}.`);
  return found;
}

function serve(context: CommandContext, flags: ServeFlags, out: Output): Promise<void> {
  const port = flags.port === undefined ? null : readPort(flags.port);
  const roots = readRoots(flags.root ?? [homedir()]);
  const { rendererDir } = programFiles();
  if (!existsSync(join(rendererDir, 'index.html'))) {
    throw new NextvecError('FILE_NOT_FOUND', `The page is not built: ${rendererDir} is missing.`, {
      remedy: 'Run "npm run build" first.',
    });
  }
  const work = async (session: Pick<Nextvec, 'router'>): Promise<void> => {
    const { servePage } = await import('../../hosts/node/serve.ts');
    const server = await servePage({ nextvec: session, rendererDir, port });
    out.result({ url: server.url }, () => {
      out.line(server.url);
      out.line(`Other machines: ssh -L ${server.port}:127.0.0.1:${server.port} THIS-MACHINE, then the same address.`);
      out.line('Ctrl-C ends it; a live run is paused and saved.');
    });
    if (flags.open) openInBrowser(server.url);
    await interrupted();
    endWithin(CLOSING_MS);
    await server.close();
  };
  return withSession(context.options(), out, 'owner', work, { roots, runsQueue: true, hasWindow: true });
}

function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
}

/** Opens the address with the system's opener, if it has one. */
function openInBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url];
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  child.on('error', () => console.error('No browser could be opened; open the address yourself.'));
  child.unref();
}

/** Status 1 when a stored data set or a checkpoint is damaged or missing. */
async function doctor(context: CommandContext, { check = false, bundle }: DoctorFlags, out: Output): Promise<number> {
  const target = bundle === undefined ? null : await checkTarget(bundle);
  const found = await runtimes();
  return withSession(
    context.options(),
    out,
    'any',
    async ({ client }) => {
      const report = await client.app.doctor({ check });
      if (target !== null) await writeTarget(target, await makeBundle({ client, ...program() }));
      out.result(target === null ? report : { ...report, bundle: target.path }, () => {
        printDoctor(report, out);
        if (target !== null) out.line(`Bundle ${target.path}: plain text; read it before you send it.`);
      });
      return report.checks?.some(({ state }) => state === 'damaged') ? EXIT.failed : EXIT.done;
    },
    { runtimes: found },
  );
}

function program(): Pick<BundleOptions, 'version' | 'programFolder'> {
  const { version, resourcesDir } = programFiles();
  return { version, programFolder: dirname(resourcesDir) };
}

function adapterNote(adapter: Adapter): string {
  const { memoryBytes } = adapter;
  const memory = typeof memoryBytes === 'number' ? `, at most ${formatBytes(memoryBytes)} of memory` : '';
  return `${adapterWords(adapter)}${memory}`;
}

function printDoctor(report: Doctor, out: Output): void {
  const { storage } = report;
  out.line(
    `Node ${report.node} on ${report.platform}, ${report.cores} cores, ${formatBytes(report.memoryBytes)} memory`,
  );
  out.line();
  out.table(report.engines, [
    { title: 'engine', value: ({ name }) => name },
    { title: 'available', value: ({ available }) => (available ? 'yes' : 'no') },
    {
      title: 'note',
      value: ({ reason, adapter }) => [reason, adapter && adapterNote(adapter)].filter(Boolean).join(' '),
    },
  ]);
  out.line();
  const state = storage.writable ? '' : ' (not writable)';
  out.line(
    `Storage ${storage.path}${state}: ${storage.runs} runs, ${storage.datasets} data sets, ${formatBytes(storage.freeBytes)} free`,
  );
  for (const { kind, name, state, problem } of report.checks ?? []) {
    out.line(`${kind === 'run' ? 'Run' : 'Data set'} ${name}: ${problem ?? state}`);
  }
  out.line(`Browser ${report.browser ?? 'none found'}`);
  out.line(
    `Electron ${report.electron ?? 'runtime not installed; "nextvec serve" gives the same window in a browser'}`,
  );
}
