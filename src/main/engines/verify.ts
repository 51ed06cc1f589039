/** Verifies the installed or staged TensorFlow in child processes: a library that crashes takes only the child along. */
import { NextvecError } from '#shared/domain/errors.ts';
import { lastLines, runProgram, type Ended } from './run-program.ts';
import { throwIfInterrupted } from './interrupted.ts';

export interface VerifyChild {
  /** Program and first arguments of the command line, e.g. [node, cli.js]. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Reference files made with PyTorch. */
  readonly references: readonly string[];
}

/**
 * Verifies the engine in `engines` against each reference file. Throws ENGINE_UNAVAILABLE with the file and the reason
 * where one is not passed.
 */
export async function verifyEngine(
  { command: [program, ...args], references }: VerifyChild,
  engines: string,
  signal?: AbortSignal,
): Promise<void> {
  for (const reference of references) {
    const words = [...args, 'verify', reference, '--engine', 'tensorflow', '--json'];
    let ended: Ended;
    try {
      ended = await runProgram(program, words, { env: { ...process.env, NEXTVEC_ENGINES: engines }, signal });
    } catch (error) {
      throwIfInterrupted(signal);
      throw error;
    }
    if (ended.status !== 0) throw failed(reference, ended);
  }
}

function failed(reference: string, { status, signal, stdout, stderr }: Ended): NextvecError {
  const reason =
    signal === null ? problemOf(stdout) || lastLines(stderr) || `status ${status}` : `it crashed (${signal})`;
  return new NextvecError('ENGINE_UNAVAILABLE', `TensorFlow does not pass ${reference}: ${reason}`, {
    remedy: 'It is not offered as an engine. The engine simd runs everywhere.',
    details: { place: reference },
  });
}

/** What the last line of `verify --json` says. */
function problemOf(stdout: string): string {
  try {
    const result = JSON.parse(lastLines(stdout, 1)) as { failures?: string[]; error?: { message?: string } };
    return result.error?.message ?? result.failures?.slice(0, 3).join('; ') ?? '';
  } catch {
    return '';
  }
}
