/** Parses oRPC messages as far as needed to time calls. */

/** The id with which oRPC marks all messages of one call. */
export function rpcId(data: unknown): string | null {
  return typeof data === 'string' ? (/"i":"?([\w-]+)/.exec(data)?.[1] ?? null) : null;
}

/** The procedure a first message calls, e.g. "/runs/list". */
export function rpcCall(data: unknown): string {
  return (typeof data === 'string' && /"u":"([^"?]+)/.exec(data)?.[1]) || 'unknown';
}
