/** A package index and registry on 127.0.0.1 with tiny files in the shape of the real ones, and a compiler that copies. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { BACKEND_PATCH } from '../../../src/main/engines/addon-patch.ts';
import type { Artefact, TensorflowPlan } from '../../../src/main/engines/plan.ts';

export async function zipOf(members: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(members)) {
    // Libraries are stored as they are, so that the archive has a size to download in parts.
    zip.addBuffer(Buffer.from(content), name, { compress: !name.endsWith('.so') });
  }
  zip.end();
  return buffer(zip.outputStream as NodeJS.ReadableStream);
}

function tarOf(folder: string, files: Readonly<Record<string, string>>): Buffer {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, 'package', name)), { recursive: true });
    writeFileSync(join(folder, 'package', name), text);
  }
  execFileSync('tar', ['-czf', join(folder, 'package.tgz'), '-C', folder, 'package']);
  return readFileSync(join(folder, 'package.tgz'));
}

function artefact(kind: Artefact['kind'], project: string, file: string, content: Buffer): Artefact {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { kind, project, version: '1.0', file, bytes: content.length, sha256 };
}

export interface FakeFiles {
  readonly plan: TensorflowPlan;
  /** By file name. */
  readonly contents: ReadonlyMap<string, Buffer>;
}

/** A plan of small files. */
export async function fakeFiles(scratch: string, libraryBytes: number): Promise<FakeFiles> {
  const wheel = await zipOf({
    'tensorflow/lib.so': Buffer.alloc(libraryBytes, 'library'),
    'tensorflow/include/tensorflow/c/c_api.h': '// C interface',
    'tensorflow/python/unused.py': 'pass',
  });
  const addonFiles = {
    'package.json': '{"version":"4.22.0"}',
    'binding/tfjs_backend.cc': BACKEND_PATCH.map(({ find }) => find).join('// code\n'),
    'binding/tfjs_binding.cc': '// binding',
    'dist/nodejs_kernel_backend.js': '// backend',
    'dist/register_all_kernels.js': '// kernels',
    'dist/int64_tensors.js': '// tensors',
    'dist/kernels/Add.js': '// add',
    'dist/tensorboard.js': '// unused',
  };
  const addon = tarOf(join(scratch, 'addon'), addonFiles);
  const headers = tarOf(join(scratch, 'headers'), { 'include/node_api.h': '// Node-API' });
  const plan: TensorflowPlan = {
    platform: 'test',
    library: artefact('wheel', 'tiny-flow', 'tiny_flow-1.0-py3-none-any.whl', wheel),
    addon: artefact('npm', '@tiny/addon', 'addon-1.0.tgz', addon),
    headers: artefact('npm', 'tiny-headers', 'tiny-headers-1.0.tgz', headers),
    plugin: null,
    fromLibrary: [{ member: 'tensorflow/lib.so', to: 'lib/lib.so' }],
    fromPlugin: [],
    links: [{ path: 'plugins/link.so', target: '../lib/lib.so' }],
    unpackedBytes: 10_000_000,
    flags: ['-shared'],
  };
  const contents = new Map([
    [plan.library.file, wheel],
    [plan.addon.file, addon],
    [plan.headers.file, headers],
  ]);
  return { plan, contents };
}

export interface FakeIndex {
  readonly address: string;
  /** `GET path` and its Range header, if any, of each request. */
  readonly requests: string[];
  close(): void;
}

export interface IndexBehaviour {
  /** Bytes sent before the connection is cut, for each request of the wheel in turn; then all. */
  readonly cutAfter?: number[];
  readonly ranges?: boolean;
  readonly page?: 'json' | 'html';
  /** User and password the index asks for, as `user:password`. */
  readonly credentials?: string;
}

export async function serveFiles({ plan, contents }: FakeFiles, behaviour: IndexBehaviour = {}): Promise<FakeIndex> {
  const requests: string[] = [];
  const cuts = [...(behaviour.cutAfter ?? [])];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '';
    requests.push([path, request.headers.range].filter(Boolean).join(' '));
    const { credentials } = behaviour;
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (wanted && request.headers.authorization !== wanted) return void response.writeHead(401).end();
    if (path === `/simple/${plan.library.project}/`) return sendPage(response, plan.library.file, behaviour.page);
    const content = contents.get(path.split('/').at(-1) ?? '');
    if (content === undefined) return void response.writeHead(404).end();
    const cut = path.endsWith('.whl') ? cuts.shift() : undefined;
    sendFile(response, content, behaviour.ranges === false ? undefined : request.headers.range, cut);
  };
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function sendPage(response: ServerResponse, file: string, page: IndexBehaviour['page'] = 'json'): void {
  if (page === 'json') {
    response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json');
    response.end(JSON.stringify({ files: [{ filename: file, url: `../../files/${file}` }] }));
    return;
  }
  response.setHeader('content-type', 'text/html');
  response.end(`<a href="../../files/other.whl">other.whl</a><a href="../../files/${file}#sha256=00">${file}</a>`);
}

function sendFile(response: ServerResponse, content: Buffer, range: string | undefined, cut: number | undefined): void {
  const start = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
  if (range !== undefined) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
  }
  response.setHeader('content-length', content.length - start);
  if (cut === undefined) return void response.end(content.subarray(start));
  response.write(content.subarray(start, start + cut), () => response.socket?.end());
}

/** A program that writes its `-o` file; `--version` succeeds. */
export function fakeCompiler(
  folder: string,
  script = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo addon > "$2"; shift; done',
): string {
  const path = join(folder, 'compiler.sh');
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}
