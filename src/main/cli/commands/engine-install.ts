/** `engines`: what is installed beside the shipped engines; install and remove. Only `install` reaches a package index. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Command } from 'commander';
import { NextvecError } from '#shared/domain/errors.ts';
import { installTensorflow, type Fetch } from '../../engines/install.ts';
import { readAddresses } from '../../engines/package-index.ts';
import { tensorflowPlan } from '../../engines/plan.ts';
import { ENGINE, readState, removeEngine, type EngineState } from '../../engines/state.ts';
import { verifyEngine, type VerifyChild } from '../../engines/verify.ts';
import { programFiles } from '../../hosts/locations.ts';
import { enginesFolder } from '../../processes/user-folders.ts';
import type { CommandContext } from '../context.ts';
import { interruptible } from '../interruption.ts';
import { formatBytes, formatDuration, printProgress, type Output } from '../output.ts';

const ACTIONS = ['list', 'install', 'remove'] as const;
type Action = (typeof ACTIONS)[number];

interface EnginesFlags {
  readonly from?: string[];
  readonly index?: string;
  readonly registry?: string;
}

export function addEngineInstallCommand(program: Command, context: CommandContext): void {
  program
    .command('engines [ACTION] [NAME]')
    .description(
      `list; install ${ENGINE}: download, compile and verify it; remove ${ENGINE}. They belong to the user (NEXTVEC_ENGINES, else NEXTVEC_HOME or the default storage folder), not to --home`,
    )
    .option('--from <FILE...>', 'install: local files (wheel, package) in place of downloads')
    .option('--index <URL>', 'install: Python package index [as pip is configured, else PyPI]')
    .option('--registry <URL>', 'install: npm registry [as npm is configured, else npmjs.org]')
    .action((action: string | undefined, name: string | undefined, flags: EnginesFlags) =>
      context.run((out) => engines(readAction(action ?? 'list', name), flags, out)),
    );
}

function readAction(word: string, name: string | undefined): Action {
  const action = ACTIONS.find((known) => known === word);
  if (action !== undefined && name === (action === 'list' ? undefined : ENGINE)) return action;
  const remedy = `Write "engines list", "engines install ${ENGINE}" or "engines remove ${ENGINE}".`;
  throw new NextvecError('BAD_INPUT', `engines does not know "${[word, name].filter(Boolean).join(' ')}".`, { remedy });
}

async function engines(action: Action, flags: EnginesFlags, out: Output): Promise<void> {
  const folder = enginesFolder();
  if (action === 'install') return install(folder, flags, out);
  if (action === 'remove') {
    const freedBytes = await removeEngine(folder);
    out.result({ freedBytes }, () => out.line(`Removed ${ENGINE}; ${formatBytes(freedBytes)} freed.`));
    return;
  }
  const [state, npmPackage] = [await readState(folder), findNpmPackage()];
  out.result({ engines: [{ name: ENGINE, ...state, npmPackage }] }, () => printState(state, npmPackage, out));
}

/** Folder of @tensorflow/tfjs-node-gpu where `npm install` has kept it, else null. */
function findNpmPackage(): string | null {
  try {
    return createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json');
  } catch {
    return null;
  }
}

function printState(
  { folder, manifest, bytes, partialBytes }: EngineState,
  npmPackage: string | null,
  out: Output,
): void {
  if (npmPackage !== null)
    out.line(`${ENGINE}: npm installed ${npmPackage}; it is used where it loads (nextvec doctor).`);
  if (manifest !== null) {
    out.line(
      `${ENGINE} ${manifest.version}, ${formatBytes(bytes)}, since ${manifest.installedAt.slice(0, 10)}: ${folder}`,
    );
  } else {
    out.line(`${ENGINE}: not installed. Install it with: nextvec engines install ${ENGINE}`);
  }
  if (partialBytes > 0) {
    out.line(`An installation did not end (${formatBytes(partialBytes)}); install again to go on, or remove it.`);
  }
}

async function install(folder: string, flags: EnginesFlags, out: Output): Promise<void> {
  const startMs = performance.now();
  const child = verifyChild();
  await interruptible(async (signal) => {
    const npmPackage = findNpmPackage();
    if (npmPackage !== null && (await worksByNpm(child, folder, signal))) {
      out.result({ installed: false, npmPackage }, () =>
        out.line(`${ENGINE} needs no installation: npm's ${npmPackage} passes the reference files and is used.`),
      );
      return;
    }
    const state = await installTensorflow({
      plan: tensorflowPlan(),
      engines: folder,
      from: flags.from ?? [],
      addresses: readAddresses(flags),
      verify: (engines, abort) => verifyEngine(child, engines, abort),
      announce: (fetches) => announce(fetches, folder, out),
      onProgress: (phase, fraction) => printProgress({ phase, fraction }, out),
      signal,
    });
    const durationMs = performance.now() - startMs;
    out.result({ installed: true, ...state, durationMs }, () => {
      out.line(`All ${child.references.length} reference files PASS.`);
      out.line(`Installed in ${formatDuration(durationMs)}: ${state.folder} (${formatBytes(state.bytes)}).`);
    });
  });
}

function announce(fetches: readonly Fetch[], folder: string, out: Output): void {
  const bytes = fetches.reduce((sum, fetch) => sum + fetch.bytes, 0);
  out.event({ type: 'fetches', fetches, bytes });
  out.table(fetches, [
    { title: 'file', value: ({ artefact }) => artefact.file },
    { title: 'size', value: ({ artefact }) => formatBytes(artefact.bytes), align: 'right' },
    { title: 'to download', value: (fetch) => (fetch.bytes === 0 ? '–' : formatBytes(fetch.bytes)), align: 'right' },
    { title: 'from', value: ({ from }) => from },
  ]);
  out.line(`${formatBytes(bytes)} to download. Each file is checked against its pinned sha256. Goes to ${folder}.`);
}

/** This command line, run again for `verify`. */
function verifyChild(): VerifyChild {
  const { referencesDir } = programFiles();
  const references = ['amn', 'lstm', 'gru', 'transformer'].map((model) => join(referencesDir, `${model}.npz`));
  return { command: [process.execPath, ...process.execArgv, process.argv[1]], references };
}

/** Whether the engine runs without what is installed in `folder`. */
function worksByNpm(child: VerifyChild, folder: string, signal: AbortSignal): Promise<boolean> {
  return verifyEngine(child, join(folder, 'none'), signal).then(
    () => true,
    () => false,
  );
}
