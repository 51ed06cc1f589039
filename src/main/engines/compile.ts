/** Compiles the addon with the C++ compiler of the system: CXX where it is set, else `c++`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { lastLines, runProgram, type Ended } from './run-program.ts';
import { throwIfInterrupted } from './interrupted.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface CompileJob {
  readonly compiler: string;
  /** Source of the addon, TensorFlow's headers, Node-API's headers. */
  readonly sources: { readonly addon: string; readonly tensorflow: string; readonly nodeApi: string };
  /** Folder of the engine: links against `lib/`, writes `addon/tfjs_binding.node`. */
  readonly folder: string;
  readonly flags: readonly string[];
  readonly signal?: AbortSignal;
}

/** Name of the compiler. Throws ENGINE_UNAVAILABLE where none runs. */
export async function findCompiler(env: Environment = process.env, platform = process.platform): Promise<string> {
  const compiler = env.CXX || 'c++';
  const ended = await runProgram(compiler, ['--version'], { env: { ...process.env, ...env } }).catch(
    (error: Error) => error,
  );
  if (!(ended instanceof Error) && ended.status === 0) return compiler;
  const reason = ended instanceof Error ? ended.message : lastLines(ended.stderr, 1) || `status ${ended.status}`;
  throw new NextvecError(
    'ENGINE_UNAVAILABLE',
    `There is no C++ compiler to build the addon with (${compiler}: ${reason}).`,
    {
      remedy:
        platform === 'darwin'
          ? 'Install Apple’s command line tools (xcode-select --install), or name a compiler in CXX.'
          : 'Install one (Debian, Ubuntu: apt install g++), or name a compiler in CXX.',
      details: { place: compiler },
    },
  );
}

export async function compileAddon({ compiler, sources, folder, flags, signal }: CompileJob): Promise<void> {
  await mkdir(join(folder, 'addon'), { recursive: true });
  const args = [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-w',
    '-DNAPI_VERSION=8',
    `-I${sources.tensorflow}`,
    `-I${sources.nodeApi}`,
    join(sources.addon, 'binding', 'tfjs_backend.cc'),
    join(sources.addon, 'binding', 'tfjs_binding.cc'),
    '-o',
    join(folder, 'addon', 'tfjs_binding.node'),
    `-L${join(folder, 'lib')}`,
    ...flags,
  ];
  let ended: Ended;
  try {
    ended = await runProgram(compiler, args, { signal });
  } catch (error) {
    throwIfInterrupted(signal);
    throw error;
  }
  if (ended.status === 0) return;
  const reason = lastLines(ended.stderr) || `status ${ended.status ?? ended.signal}`;
  throw new NextvecError('ENGINE_UNAVAILABLE', `${compiler} did not compile the addon: ${reason}`, {
    remedy: 'It must know C++17 (GCC 8, Clang 7 or newer); name another compiler in CXX.',
    details: { place: compiler },
  });
}
