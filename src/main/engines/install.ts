/**
 * Installs TensorFlow: fetches the files of a plan, builds the engine beside its place, verifies it there and renames it.
 * Killed at any moment it leaves downloads that the next installation continues, and no half-made engine.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, open, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { existingFile } from '../formats/files/regular-file.ts';
import { makeFolders } from '../formats/files/make-folders.ts';
import { MANIFEST_FILE } from '../processes/user-folders.ts';
import { patchAddon } from './addon-patch.ts';
import { compileAddon, findCompiler } from './compile.ts';
import { bytesOf, download, sha256Of, wrongHash } from './download.ts';
import { locate, type Addresses } from './package-index.ts';
import { artefactsOf, type Artefact, type Extract, type TensorflowPlan } from './plan.ts';
import type { Source } from './request.ts';
import { lastLines, runProgram } from './run-program.ts';
import { ENGINE, engineFolders, readState, withLock, type EngineState, type Manifest } from './state.ts';
import { extractWheel } from './wheel.ts';
import { throwIfInterrupted } from './interrupted.ts';

/** A file of the plan and where it comes from. */
export interface Fetch {
  readonly artefact: Artefact;
  /** A path of --from, or an address. */
  readonly from: string;
  /** Bytes still to be downloaded; 0 for a local file. */
  readonly bytes: number;
}

export interface InstallOptions {
  readonly plan: TensorflowPlan;
  /** Folder of the engines. */
  readonly engines: string;
  /** Local files that stand for downloads; told apart by their hash. */
  readonly from: readonly string[];
  readonly addresses: Addresses;
  /** Rejects where the engine in this folder of engines is not right. */
  verify(engines: string, signal?: AbortSignal): Promise<void>;
  /** Before anything is fetched. */
  announce?(fetches: readonly Fetch[]): void;
  onProgress?(phase: string, fraction: number | null): void;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

type Folders = ReturnType<typeof engineFolders>;

/** Throws LOCKED, DOWNLOAD_FAILED, CHECKSUM_MISMATCH, DISK_FULL, ENGINE_UNAVAILABLE, CANCELLED. */
export function installTensorflow(options: InstallOptions): Promise<EngineState> {
  const { engines } = options;
  return withLock(engines, async () => {
    const folders = engineFolders(engines);
    // Left by an installation that was killed.
    await removeBuild(folders);
    const compiler = await findCompiler(options.env);
    try {
      const files = await fetchAll(options, folders);
      await build(options, folders, files, compiler);
      options.onProgress?.('verifying', null);
      await options.verify(folders.partial, options.signal);
      throwIfInterrupted(options.signal);
      await putInPlace(folders);
    } catch (error) {
      await removeBuild(folders);
      throw error;
    }
    return readState(engines);
  });
}

async function removeBuild({ build: built, staged, replaced }: Folders): Promise<void> {
  for (const folder of [built, staged, replaced]) await rm(folder, { recursive: true, force: true });
}

/** Local path of each file of the plan, by its hash. */
type Files = ReadonlyMap<string, string>;

async function fetchAll(options: InstallOptions, { downloads }: Folders): Promise<Files> {
  const { plan, signal, onProgress } = options;
  makeFolders(downloads);
  const artefacts = artefactsOf(plan);
  const local = await localFiles(options.from, artefacts, signal);
  const fetches: (Fetch & { readonly file: string; readonly source: Source | null })[] = [];
  for (const artefact of artefacts) {
    const file = local.get(artefact.sha256) ?? join(downloads, artefact.file);
    const isThere = local.has(artefact.sha256) || (await isWhole(file, artefact, signal));
    const source = isThere ? null : await locate(artefact, options.addresses, signal);
    const bytes = isThere ? 0 : artefact.bytes - (await bytesOf(`${file}.part`));
    fetches.push({ artefact, from: source?.url ?? file, bytes, file, source });
  }
  options.announce?.(fetches.map(({ artefact, from, bytes }) => ({ artefact, from, bytes })));
  await requireSpace(options, fetches);
  for (const { artefact, file, source } of fetches) {
    if (source === null) continue;
    await download(source, file, artefact, {
      signal,
      onProgress: (bytes) => onProgress?.(`downloading ${artefact.file}`, bytes / artefact.bytes),
    });
  }
  return new Map(fetches.map(({ artefact, file }) => [artefact.sha256, file]));
}

/** Throws CHECKSUM_MISMATCH for a file that is not in the plan. */
async function localFiles(
  paths: readonly string[],
  artefacts: readonly Artefact[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const path of paths) {
    const file = existingFile(path);
    const sha256 = await sha256Of(file, signal);
    const wanted = artefacts.find((artefact) => artefact.sha256 === sha256);
    if (wanted === undefined) throw notInPlan(file, sha256, artefacts);
    files.set(sha256, resolve(file));
  }
  return files;
}

function notInPlan(file: string, sha256: string, artefacts: readonly Artefact[]): NextvecError {
  const meant = artefacts.find((artefact) => artefact.file === basename(file));
  if (meant !== undefined) return wrongHash(file, meant, sha256);
  const names = artefacts.map((artefact) => artefact.file).join(', ');
  return new NextvecError('CHECKSUM_MISMATCH', `${file} (sha256 ${sha256}) is none of the files that are needed.`, {
    remedy: `Needed are: ${names}.`,
    details: { place: file },
  });
}

/** A finished download of an earlier installation. */
async function isWhole(file: string, { sha256 }: Artefact, signal: AbortSignal | undefined): Promise<boolean> {
  if (!existsSync(file)) return false;
  if ((await sha256Of(file, signal)) === sha256) return true;
  await rm(file);
  return false;
}

async function requireSpace({ engines, plan }: InstallOptions, fetches: readonly Fetch[]): Promise<void> {
  const needed = plan.unpackedBytes + fetches.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(engines);
  const free = bavail * bsize;
  if (free >= needed) return;
  const [neededMb, freeMb] = [needed, free].map((bytes) => Math.ceil(bytes / 1e6));
  throw new NextvecError('DISK_FULL', `The installation needs ${neededMb} MB in ${engines}; ${freeMb} MB are free.`, {
    remedy: 'Free some space on that disk, or name another folder in NEXTVEC_ENGINES.',
    details: { place: engines },
  });
}

function fileOf(files: Files, { sha256, file }: Artefact): string {
  const path = files.get(sha256);
  if (path === undefined) throw new Error(`${file} was not fetched`);
  return path;
}

async function build(options: InstallOptions, folders: Folders, files: Files, compiler: string): Promise<void> {
  const { plan, signal, onProgress } = options;
  const { staged, build: built } = folders;
  const unpack = async (artefact: Artefact, extracts: readonly Extract[], headers: string | null): Promise<void> => {
    const places = new Map(extracts.map(({ member, to }) => [member, join(staged, to)]));
    const target = (member: string): string | null =>
      places.get(member) ?? (headers !== null && isHeader(member) ? join(headers, member) : null);
    await extractWheel(fileOf(files, artefact), target, [...places.keys()], {
      signal,
      onProgress: (bytes) => onProgress?.('unpacking', Math.min(1, bytes / plan.unpackedBytes)),
    });
  };
  await unpack(plan.library, plan.fromLibrary, built);
  if (plan.plugin !== null) await unpack(plan.plugin, plan.fromPlugin, null);
  for (const { path, target } of plan.links) {
    await mkdir(dirname(join(staged, path)), { recursive: true });
    await symlink(target, join(staged, path));
  }
  const addon = await untar(fileOf(files, plan.addon), join(built, 'addon'), signal);
  const nodeApi = await untar(fileOf(files, plan.headers), join(built, 'node-api'), signal);
  await patchAddon(addon);
  onProgress?.('compiling', null);
  const sources = { addon, tensorflow: join(built, 'tensorflow', 'include'), nodeApi: join(nodeApi, 'include') };
  await compileAddon({ compiler, sources, folder: staged, flags: plan.flags, signal });
  await copyBackend(addon, staged);
  await writeManifest(staged, plan);
}

/** The headers that the C interface of TensorFlow includes. */
function isHeader(member: string): boolean {
  return /^tensorflow\/include\/(tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/.*\.h$/.test(
    member,
  );
}

/** Unpacks an npm package, whose hash has been checked; returns its folder. */
async function untar(file: string, folder: string, signal: AbortSignal | undefined): Promise<string> {
  await mkdir(folder, { recursive: true });
  const ended = await runProgram('tar', ['-xzf', file, '-C', folder], { signal }).catch((cause: Error) => {
    throwIfInterrupted(signal);
    throw new NextvecError('ENGINE_UNAVAILABLE', `The program tar cannot be run: ${cause.message}.`, {
      remedy: 'Install tar.',
      cause,
    });
  });
  if (ended.status === 0) return join(folder, 'package');
  throw new NextvecError('ARCHIVE_DAMAGED', `${file} cannot be unpacked: ${lastLines(ended.stderr)}`, {
    remedy: 'Install again.',
    details: { place: file },
  });
}

const USED_MODULES = ['nodejs_kernel_backend.js', 'register_all_kernels.js', 'int64_tensors.js', 'kernels'];
const TFJS_OF_THE_PROGRAM = "module.exports = globalThis[Symbol.for('nextvec.tfjs-core')];\n";

/** The JavaScript of the backend, with stand-ins for the packages it imports. */
async function copyBackend(addon: string, staged: string): Promise<void> {
  for (const name of ['package.json', ...USED_MODULES.map((module) => join('dist', module))]) {
    await cp(join(addon, name), join(staged, name), { recursive: true });
  }
  // Only TensorBoard's summaries use these messages; they would need google-protobuf.
  await mkdir(join(staged, 'dist', 'proto'));
  await writeFile(join(staged, 'dist', 'proto', 'api_pb.js'), 'module.exports = {};\n');
  for (const name of ['tfjs', 'tfjs-core']) {
    const folder = join(staged, 'node_modules', '@tensorflow', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'index.js'), TFJS_OF_THE_PROGRAM);
  }
}

async function writeManifest(staged: string, plan: TensorflowPlan): Promise<void> {
  const manifest: Manifest = {
    engine: ENGINE,
    version: plan.library.version,
    platform: plan.platform,
    installedAt: new Date().toISOString(),
    files: artefactsOf(plan).map(({ file, sha256 }) => ({ file, sha256 })),
  };
  const handle = await open(join(staged, MANIFEST_FILE), 'w');
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function putInPlace({ installed, staged, replaced, partial }: Folders): Promise<void> {
  if (existsSync(installed)) await rename(installed, replaced);
  await rename(staged, installed);
  await rm(partial, { recursive: true, force: true });
}
