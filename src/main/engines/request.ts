/** One HTTP request; whatever fails is DOWNLOAD_FAILED with address, reason and remedy. */
import { NextvecError } from '#shared/domain/errors.ts';
import { codeOf, messageOf } from '#shared/domain/thrown.ts';
import { throwIfInterrupted } from './interrupted.ts';

export interface Source {
  /** Without user name and password. */
  readonly url: string;
  readonly authorization?: string;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Statuses beside 2xx that the caller handles. */
  readonly allowed?: readonly number[];
}

const REMEDY =
  'Check the network (behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1), name another address with --index or --registry, or give files you have with --from.';

export async function request({ url, authorization }: Source, options: RequestOptions = {}): Promise<Response> {
  const { signal, allowed = [] } = options;
  const headers = { ...options.headers, ...(authorization === undefined ? {} : { authorization }) };
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: signal ?? null });
  } catch (cause) {
    throwIfInterrupted(signal);
    throw downloadFailed(url, networkReason(cause), cause);
  }
  if (response.ok || allowed.includes(response.status)) return response;
  await response.body?.cancel();
  throw downloadFailed(url, `the server answers ${response.status} ${response.statusText}`.trim());
}

export function downloadFailed(url: string, reason: string, cause?: unknown): NextvecError {
  return new NextvecError('DOWNLOAD_FAILED', `${url}: ${reason}.`, { remedy: REMEDY, details: { place: url }, cause });
}

/** undici says "fetch failed"; the reason is in the cause. */
export function networkReason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return `cannot be reached (${messageOf(inner) || codeOf(inner)})`;
}
