/** Installing TensorFlow from a local index of tiny files: staging, hashes, resume, refusals, removal. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isNextvecError, NextvecError } from '#shared/domain/errors.ts';
import { installTensorflow, type Fetch, type InstallOptions } from '../../../src/main/engines/install.ts';
import { readState, removeEngine, withLock } from '../../../src/main/engines/state.ts';
import { fakeCompiler, fakeFiles, serveFiles, type FakeFiles, type FakeIndex, type IndexBehaviour } from './support.ts';

let prepared: string;
let small: FakeFiles;
let scratch: string;
let engines: string;
let files: FakeFiles;
let index: FakeIndex;

beforeAll(async () => {
  prepared = mkdtempSync(join(tmpdir(), 'nextvec-engines-files-'));
  small = await fakeFiles(prepared, 200_000);
});
afterAll(() => rmSync(prepared, { recursive: true, force: true }));

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'nextvec-engines-'));
  engines = join(scratch, 'home', 'engines');
  mkdirSync(join(scratch, 'home'));
  files = small;
  index = await serveFiles(files);
});

afterEach(() => {
  index.close();
  rmSync(scratch, { recursive: true, force: true });
});

async function serve(behaviour: IndexBehaviour): Promise<void> {
  index.close();
  index = await serveFiles(files, behaviour);
}

function install(options: Partial<InstallOptions> = {}) {
  return installTensorflow({
    plan: files.plan,
    engines,
    from: [],
    addresses: { index: `${index.address}/simple`, registry: `${index.address}/npm` },
    verify: async () => undefined,
    ...options,
    env: options.env ?? { ...process.env, CXX: fakeCompiler(scratch) },
  });
}

async function refusal(work: Promise<unknown>): Promise<NextvecError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!isNextvecError(error)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error;
}

function listing(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
}

/** Writes a file of the plan to the scratch folder and returns its path. */
function local(file: string): string {
  const path = join(scratch, file);
  writeFileSync(path, files.contents.get(file) ?? '');
  return path;
}

describe('installing', () => {
  test('says what it fetches first, and leaves library, addon, backend and manifest only', async () => {
    const announced: (readonly Fetch[])[] = [];
    const seen: boolean[] = [];
    const state = await install({
      announce: (fetches) => {
        announced.push(fetches);
        seen.push(index.requests.some((path) => path.endsWith('.whl')));
      },
      verify: async (folder) =>
        void seen.push(existsSync(join(folder, 'tensorflow', 'addon')), existsSync(join(engines, 'tensorflow'))),
    });
    expect(announced[0].map(({ bytes }) => bytes)).toEqual(
      [files.plan.library, files.plan.addon, files.plan.headers].map(({ bytes }) => bytes),
    );
    // Before the first byte of the wheel; the verified engine lies in the staging folder, not yet in its place.
    expect(seen).toEqual([false, true, false]);
    expect(state).toMatchObject({ manifest: { engine: 'tensorflow', version: '1.0' }, partialBytes: 0 });
    expect(listing(engines).filter((path) => statSync(join(engines, path)).isFile())).toEqual([
      'tensorflow/addon/tfjs_binding.node',
      'tensorflow/dist/int64_tensors.js',
      'tensorflow/dist/kernels/Add.js',
      'tensorflow/dist/nodejs_kernel_backend.js',
      'tensorflow/dist/proto/api_pb.js',
      'tensorflow/dist/register_all_kernels.js',
      'tensorflow/installed.json',
      'tensorflow/lib/lib.so',
      'tensorflow/node_modules/@tensorflow/tfjs-core/index.js',
      'tensorflow/node_modules/@tensorflow/tfjs/index.js',
      'tensorflow/package.json',
      'tensorflow/plugins/link.so',
    ]);
  });

  test('an index page in HTML (PEP 503), with user name and password', async () => {
    await serve({ page: 'html', credentials: 'user:pass word' });
    const address = index.address.replace('//', '//user:pass%20word@');
    const urls: string[] = [];
    await install({
      addresses: { index: `${address}/simple`, registry: `${address}/npm` },
      announce: (fetches) => urls.push(...fetches.map(({ from }) => from)),
    });
    expect(urls.some((url) => url.includes('pass'))).toBe(false);
    expect((await readState(engines)).manifest).not.toBeNull();
  });

  test('local files need no network; one that is missing is downloaded', async () => {
    const { library, addon, headers } = files.plan;
    const all = [library.file, addon.file, headers.file].map(local);
    await install({ from: all.slice(0, 2) });
    expect(index.requests).toEqual([`/npm/tiny-headers/-/${headers.file}`]);
    index.close();
    await install({ from: all });
    expect((await readState(engines)).manifest).not.toBeNull();
  });

  test('a second installation takes the place of the first', async () => {
    const first = await install();
    const second = await install();
    expect(second.manifest?.installedAt).not.toBe(first.manifest?.installedAt);
    expect(listing(engines).filter((path) => path.startsWith('.'))).toEqual([]);
  });

  test('removing leaves nothing', async () => {
    await install();
    const { bytes } = await readState(engines);
    expect(await removeEngine(engines)).toBe(bytes);
    expect(listing(join(scratch, 'home'))).toEqual([]);
    expect((await refusal(removeEngine(engines))).code).toBe('NOT_FOUND');
  });
});

describe('going on after an interruption', () => {
  /** The wheel is larger than the buffers of a connection, so that a cut one has brought something. */
  let large: FakeFiles;
  beforeAll(async () => {
    large = await fakeFiles(prepared, 5_000_000);
  });
  beforeEach(async () => {
    files = large;
    await serve({});
  });

  test('a connection that breaks off twice is continued where it stopped', async () => {
    await serve({ cutAfter: [1_500_000, 1_500_000] });
    await install();
    const wheel = index.requests.filter((path) => path.includes('.whl')).map((path) => path.split(' ')[1]);
    expect(wheel[0]).toBeUndefined();
    expect(wheel).toHaveLength(3);
    const starts = wheel.slice(1).map((range) => Number(/\d+/.exec(range ?? '')?.[0]));
    expect(starts[0]).toBeGreaterThan(0);
    expect(starts[1]).toBeGreaterThan(starts[0]);
  });

  test('a cancelled download is continued by the next installation', async () => {
    const controller = new AbortController();
    const error = await refusal(install({ signal: controller.signal, onProgress: () => controller.abort() }));
    expect(error.code).toBe('CANCELLED');
    const { partialBytes, manifest } = await readState(engines);
    expect([partialBytes > 0, manifest]).toEqual([true, null]);
    await install();
    const continued = index.requests.some((path) => path.includes(`bytes=${partialBytes}-`));
    expect(continued || partialBytes === files.plan.library.bytes).toBe(true);
  });

  test('a server without ranges sends all again', async () => {
    await serve({ cutAfter: [1_500_000], ranges: false });
    expect((await install()).manifest).not.toBeNull();
  });

  test('an installation killed while it compiles leaves no engine; the next one downloads nothing again', async () => {
    const script = join(import.meta.dirname, 'killed-install.ts');
    const env = {
      ...process.env,
      CXX: fakeCompiler(scratch, 'case "$1" in --version) ;; *) echo compiling > "$KILL_MARK"; sleep 60;; esac'),
    };
    const mark = join(scratch, 'mark');
    const job = JSON.stringify({ plan: files.plan, engines, address: index.address });
    const child = spawn(process.execPath, [script, job], {
      env: { ...env, KILL_MARK: mark },
      detached: true,
      stdio: 'inherit',
    });
    while (!existsSync(mark)) {
      if (child.exitCode !== null) throw new Error(`the installation ended with ${child.exitCode}`);
      await new Promise((next) => setTimeout(next, 20));
    }
    // Its compiler too: both are in the process group that it leads.
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'exit');
    expect((await readState(engines)).manifest).toBeNull();
    expect(existsSync(join(engines, '.partial', 'build'))).toBe(true);
    index.requests.length = 0;
    await install();
    expect(index.requests).toEqual([]);
    expect(listing(engines).filter((path) => path.startsWith('.'))).toEqual([]);
  });
});

describe('refusals', () => {
  test('a download with the wrong hash is removed', async () => {
    const { library } = files.plan;
    const plan = { ...files.plan, library: { ...library, sha256: '0'.repeat(64) } };
    const error = await refusal(install({ plan }));
    expect([error.code, error.message]).toEqual(['CHECKSUM_MISMATCH', expect.stringContaining(library.sha256)]);
    expect(existsSync(engines)).toBe(false);
  });

  test('a download longer than it should be', async () => {
    const { library } = files.plan;
    const error = await refusal(install({ plan: { ...files.plan, library: { ...library, bytes: 1000 } } }));
    expect([error.code, error.message]).toEqual(['CHECKSUM_MISMATCH', expect.stringContaining('more than 1000 bytes')]);
  });

  test('a local wheel with the wrong hash, and a file that is not needed', async () => {
    const path = local(files.plan.library.file);
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('x')]));
    const error = await refusal(install({ from: [path] }));
    expect([error.code, error.details]).toEqual(['CHECKSUM_MISMATCH', { place: path }]);
    writeFileSync(join(scratch, 'other.whl'), 'x');
    const other = await refusal(install({ from: [join(scratch, 'other.whl')] }));
    expect([other.code, other.remedy]).toEqual(['CHECKSUM_MISMATCH', expect.stringContaining(files.plan.library.file)]);
    expect((await refusal(install({ from: [join(scratch, 'none.whl')] }))).code).toBe('FILE_NOT_FOUND');
    expect(index.requests).toEqual([]);
  });

  test('no compiler: nothing is downloaded', async () => {
    const error = await refusal(install({ env: { CXX: join(scratch, 'no-such-compiler') } }));
    expect([error.code, error.remedy]).toEqual(['ENGINE_UNAVAILABLE', expect.stringContaining('CXX')]);
    expect([index.requests, existsSync(engines)]).toEqual([[], false]);
  });

  test('a compiler that fails: its last lines; downloads are kept', async () => {
    const script = 'case "$1" in --version) ;; *) echo "error: no C++17" >&2; exit 1;; esac';
    const error = await refusal(install({ env: { ...process.env, CXX: fakeCompiler(scratch, script) } }));
    expect([error.code, error.message]).toEqual(['ENGINE_UNAVAILABLE', expect.stringContaining('no C++17')]);
    expect(listing(engines).filter((path) => path.includes('build'))).toEqual([]);
    expect((await readState(engines)).partialBytes).toBeGreaterThan(0);
  });

  test('no network', async () => {
    index.close();
    const error = await refusal(install());
    expect([error.code, error.message, error.remedy]).toEqual([
      'DOWNLOAD_FAILED',
      expect.stringContaining('cannot be reached'),
      expect.stringContaining('--from'),
    ]);
    expect(existsSync(engines)).toBe(false);
  });

  test('an index without the file, and a server that answers with an error', async () => {
    const { library, addon } = files.plan;
    const other = await refusal(install({ plan: { ...files.plan, library: { ...library, file: 'other-2.0.whl' } } }));
    expect([other.code, other.message]).toEqual([
      'DOWNLOAD_FAILED',
      expect.stringContaining('does not have other-2.0.whl'),
    ]);
    const gone = await refusal(install({ plan: { ...files.plan, addon: { ...addon, file: 'gone.tgz' } } }));
    expect([gone.code, gone.message]).toEqual(['DOWNLOAD_FAILED', expect.stringContaining('404')]);
  });

  test('no space: nothing is downloaded', async () => {
    const error = await refusal(install({ plan: { ...files.plan, unpackedBytes: 1e18 } }));
    expect([error.code, error.message]).toEqual(['DISK_FULL', expect.stringMatching(/needs \d+ MB.*MB are free/)]);
    expect(index.requests.filter((path) => path.includes('.whl'))).toEqual([]);
  });

  test('an engine that does not pass is not installed, and the one before stays', async () => {
    const fails = async (): Promise<void> => {
      throw new NextvecError('ENGINE_UNAVAILABLE', 'TensorFlow does not pass amn.npz: it crashed (SIGILL)');
    };
    expect((await refusal(install({ verify: fails }))).message).toContain('SIGILL');
    expect(existsSync(join(engines, 'tensorflow'))).toBe(false);
    const first = await install();
    await refusal(install({ verify: fails }));
    expect((await readState(engines)).manifest).toEqual(first.manifest);
  });

  test('a second installation at the same time', async () => {
    const error = await withLock(engines, () => refusal(install()));
    expect(error.code).toBe('LOCKED');
  });
});
