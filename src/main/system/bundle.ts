/**
 * The diagnostic bundle: a small zip of plain text for a report of a fault, which the user reads before sending it. It
 * holds versions, engines, settings and the logs of the latest runs; no vectors, texts, weights, names of data sets,
 * runs or tags, notes, and no paths outside the program.
 */
import { homedir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { RunDetail } from '#shared/contract/runs.ts';

const MOST_RUNS = 20;

const README = `Diagnostic bundle of Nextvec: plain text, made by "nextvec doctor --bundle". Read it before you send it.

versions.json  Nextvec, Node, Electron, system
doctor.json    engines and why one is missing, memory, free space, numbers of runs and data sets
settings.json  as Settings shows them; of clusters only how many
runs.json      of the latest ${MOST_RUNS} runs: status and its reason, engine, model, sizes, recipe without data
logs/N.txt     log of run number N

Not in it: vectors, texts, weights, notes, names of data sets, runs and tags. Paths read APP (the program), STORAGE
(the storage folder) or PATH (any other). A log may quote a message of the system: check that it says nothing private.
`;

export interface BundleOptions {
  readonly client: NextvecClient;
  readonly version: string;
  /** Folder of the program's own files. */
  readonly programFolder: string;
}

/** Bytes of the zip. */
export async function makeBundle({ client, version, programFolder }: BundleOptions): Promise<Buffer> {
  const [info, doctor, settings, all, sets] = await Promise.all([
    client.app.info(),
    client.app.doctor(),
    client.app.settings.get(),
    client.runs.list(),
    client.datasets.list(),
  ]);
  const latest = all.toSorted((a, b) => b.number - a.number).slice(0, MOST_RUNS);
  const details: RunDetail[] = [];
  for (const { id } of latest) details.push(await client.runs.get({ runId: id }));
  const names = [...sets, ...all].flatMap(({ name }) => name);
  const clean = redactor({ APP: programFolder, STORAGE: info.home, '~': homedir() }, names);
  const { checks: _checks, ...machine } = doctor;
  const { clusters, ...own } = settings;
  const files: Record<string, unknown> = {
    'versions.json': { nextvec: version, host: info.host, node: doctor.node, electron: doctor.electron, ...versions() },
    'doctor.json': machine,
    'settings.json': { ...own, clusters: clusters.length },
    'runs.json': details.map(factsOf),
  };
  for (const { run, log } of details) {
    const lines = log.map(({ at, level, message }) => `${new Date(at).toISOString()} ${level} ${message}\n`);
    files[`logs/${run.number}.txt`] = lines.join('');
  }
  return zipOf({ 'README.txt': README, ...cleaned(files, clean) });
}

function versions(): Readonly<Record<string, string>> {
  return { platform: process.platform, arch: process.arch, v8: process.versions.v8 };
}

/** What of a run helps to find a fault. */
function factsOf({ run, gates, epochs }: RunDetail): object {
  const { number, status, reason, createdAt, endedAt, engine, parameters, trainRows, epoch, step, totalSteps } = run;
  const { dataset: _dataset, ood: _ood, ...recipe } = run.recipe;
  const at = { createdAt: new Date(createdAt).toISOString(), durationMs: run.durationMs, hasEnded: endedAt !== null };
  const sizes = { parameters, trainRows, epoch, epochs: epochs.length, step, totalSteps, gates: gates.length };
  return { number, status, reason, ...at, engine, ...sizes, isImported: run.imported !== undefined, recipe };
}

function cleaned(files: Readonly<Record<string, unknown>>, clean: (text: string) => string): Record<string, string> {
  const text = (content: unknown): string =>
    typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`;
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, clean(text(content))]));
}

/** Absolute paths, also in JSON, where a backslash is written twice. */
const PATH = /(?<![\w.:/~])(?:[A-Za-z]:[\\/]|\/)[^\s"'<>|,;)]*[\\/][^\s"'<>|,;)]*/g;
const SHORTEST_NAME = 3;

/** Replaces the folders by their keys, `names` by NAME, and every other absolute path by PATH. */
export function redactor(
  folders: Readonly<Record<string, string>>,
  names: readonly string[],
): (text: string) => string {
  const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
  const replacements = [
    ...Object.entries(folders).map(([word, path]): [string, string] => [path, word]),
    ...names.filter((name) => name.length >= SHORTEST_NAME).map((name): [string, string] => [name, 'NAME']),
  ].toSorted(([a], [b]) => b.length - a.length);
  return (text) => {
    let out = text;
    for (const [from, to] of replacements) out = out.replaceAll(inJson(from), to).replaceAll(from, to);
    return out.replaceAll(PATH, 'PATH');
  };
}

function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return buffer(zip.outputStream);
}
