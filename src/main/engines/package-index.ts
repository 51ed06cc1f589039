/**
 * Where a pinned file is downloaded from: a Python package index (PEP 503 and 691), as pip is configured, or an npm
 * registry, as npm is configured. User name and password of an address become a header and appear in no message.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Artefact } from './plan.ts';
import { request, type Source } from './request.ts';

const PYPI = 'https://pypi.org/simple';
const NPM = 'https://registry.npmjs.org';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Addresses {
  /** Root of a simple index, e.g. https://pypi.org/simple. */
  readonly index: string;
  readonly registry: string;
}

/** Addresses given by flags, else those pip and npm are configured with, else the public ones. Throws BAD_INPUT. */
export function readAddresses(
  flags: { readonly index?: string; readonly registry?: string },
  env: Environment = process.env,
): Addresses {
  const index = flags.index ?? (env.PIP_INDEX_URL || pipConfigIndex(env)) ?? PYPI;
  const registry = flags.registry ?? (env.npm_config_registry || NPM);
  return { index: checked('--index', index), registry: checked('--registry', registry) };
}

function checked(flag: string, address: string): string {
  const url = URL.parse(address);
  if (url !== null && /^https?:$/.test(url.protocol)) return address.replace(/\/+$/, '');
  throw new NextvecError('BAD_INPUT', `${flag}: "${address}" is not an http or https address.`);
}

/** `index-url` of pip's configuration files, the user's before the machine's. */
function pipConfigIndex(env: Environment): string | undefined {
  const home = env.HOME || homedir();
  const files = [
    env.PIP_CONFIG_FILE,
    join(home, 'Library', 'Application Support', 'pip', 'pip.conf'),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'pip', 'pip.conf'),
    join(home, '.pip', 'pip.conf'),
    '/etc/pip.conf',
  ];
  return files.map((file) => (file ? indexUrlOf(file) : undefined)).find((url) => url !== undefined);
}

function indexUrlOf(file: string): string | undefined {
  try {
    return /^\s*index[-_]url\s*[=:]\s*(\S+)/m.exec(readFileSync(file, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

const IndexPageSchema = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) });

/** Throws DOWNLOAD_FAILED where the index has no such file. */
export async function locate(artefact: Artefact, addresses: Addresses, signal?: AbortSignal): Promise<Source> {
  const { project, file, kind } = artefact;
  if (kind === 'npm') return sourceOf(`${addresses.registry}/${project}/-/${file}`);
  const page = sourceOf(`${addresses.index}/${project}/`);
  const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
  const response = await request(page, { headers: { accept }, signal });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const address = isJson ? jsonLink(text, file) : htmlLink(text, file);
  if (address === undefined) {
    throw new NextvecError('DOWNLOAD_FAILED', `${page.url}: this index does not have ${file}.`, {
      remedy: 'Name another index with --index, or a file you have with --from.',
      details: { place: page.url },
    });
  }
  const found = sourceOf(new URL(address, response.url || page.url).href);
  const sameOrigin = new URL(found.url).origin === new URL(page.url).origin;
  return sameOrigin && found.authorization === undefined ? { ...found, authorization: page.authorization } : found;
}

function jsonLink(text: string, file: string): string | undefined {
  try {
    return IndexPageSchema.parse(JSON.parse(text)).files.find(({ filename }) => filename === file)?.url;
  } catch {
    return undefined;
  }
}

/** PEP 503: one anchor a file, whose text is the file name. */
function htmlLink(text: string, file: string): string | undefined {
  for (const [, address, name] of text.matchAll(/<a\b[^>]*?href\s*=\s*["']([^"']+)["'][^>]*>([^<]*)<\/a>/gi)) {
    if (name.trim() === file) return address.replaceAll('&amp;', '&');
  }
  return undefined;
}

/** An address apart from its user name and password and its fragment. */
function sourceOf(address: string): Source {
  const url = new URL(address);
  const { username, password } = url;
  Object.assign(url, { username: '', password: '', hash: '' });
  if (username === '' && password === '') return { url: url.href };
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: url.href, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
