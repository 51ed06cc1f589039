/**
 * The third-party packages in the app with their licence texts: those bundled into out/ (Vite lists them in
 * licenses.json) and those that stay in node_modules (package-lock.json). As a program, after a build, it writes
 * out/renderer/third-party.json for Settings > About and out/THIRD-PARTY-NOTICES.txt.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isProgram, ROOT } from './node.mjs';

/** Optional dependencies that ship; the others are for checkouts, or installed by the user. */
const SHIPPED_OPTIONAL = ['webgpu'];
const BUNDLES = ['main', 'renderer'].map((part) => join(ROOT, 'out', part, 'licenses.json'));
export const NOTICES_JSON = join(ROOT, 'out/renderer/third-party.json');
const NOTICES_TEXT = join(ROOT, 'out/THIRD-PARTY-NOTICES.txt');

export function readLock() {
  return JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
}

/** Place in the lock file of `name` as the package at `from` finds it; undefined where it is not locked. */
function resolveIn(lock, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock[place]) return place;
    if (folder === '') return undefined;
  }
}

/** Places in the lock file of the packages that ship in node_modules. */
export function shippedPlaces(lock = readLock()) {
  const found = new Set();
  const visit = (from, names) => {
    for (const name of names) {
      const place = resolveIn(lock, from, name);
      if (place === undefined || found.has(place)) continue;
      found.add(place);
      visit(place, Object.keys(lock[place].dependencies ?? {}));
    }
  };
  visit('', [...Object.keys(lock[''].dependencies), ...SHIPPED_OPTIONAL]);
  return [...found].toSorted();
}

/** Places of the packages that npm installs without dev dependencies, and that do not ship. */
export function unshippedPlaces(lock = readLock()) {
  const shipped = new Set(shippedPlaces(lock));
  return Object.keys(lock).filter((place) => place !== '' && !lock[place].dev && !shipped.has(place));
}

const STANDARD_TEXTS = {
  // A package with the whole text of the licence.
  'Apache-2.0': () => readFileSync(join(ROOT, 'node_modules/wasm-feature-detect/LICENSE'), 'utf8').trim(),
  // From this project's own file, without its copyright line.
  MIT: () =>
    readFileSync(join(ROOT, 'LICENSE'), 'utf8')
      .replace(/^Copyright.*\n+/m, '')
      .trim(),
};

function authorOf(folder) {
  const { author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return (typeof author === 'string' ? author : author?.name) ?? null;
}

/** Adds the standard text of the licence where a package brings none. Throws where that is not known either. */
function withText({ name, version, identifier, text }, folder) {
  const licence = identifier ?? 'not stated';
  if (text) return { name, version, licence, text };
  const standard = STANDARD_TEXTS[licence];
  if (standard === undefined)
    throw new Error(
      `${name} ${version}: no licence file, and no standard text of "${licence}" (scripts/third-party.mjs).`,
    );
  return { name, version, licence, text: `Copyright ${authorOf(folder) ?? `the authors of ${name}`}\n\n${standard()}` };
}

/** The notice of a package in the lock file. */
export function noticeOf(place, lock = readLock()) {
  const folder = join(ROOT, place);
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  const text = file && readFileSync(join(folder, file), 'utf8').trim();
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return withText({ name, version: lock[place].version, identifier: lock[place].license, text }, folder);
}

/** Notices of all packages in the app, by name and version. Optional packages that are not installed are left out. */
export function collectNotices() {
  const lock = readLock();
  const inModules = shippedPlaces(lock).filter((place) => existsSync(join(ROOT, place)));
  const bundled = BUNDLES.filter(existsSync).flatMap((path) => JSON.parse(readFileSync(path, 'utf8')));
  const all = [
    ...inModules.map((place) => noticeOf(place, lock)),
    ...bundled.map((entry) => withText(entry, join(ROOT, 'node_modules', entry.name))),
  ];
  const once = new Map(all.map((notice) => [`${notice.name}@${notice.version}`, notice]));
  return [...once.values()].toSorted(
    (a, b) => a.name.localeCompare(b.name, 'en') || a.version.localeCompare(b.version),
  );
}

function writeNotices() {
  const notices = collectNotices();
  const parts = notices.map(({ name, version, licence, text }) => `${name} ${version} (${licence})\n\n${text}\n`);
  const head =
    'Nextvec contains the following packages. Electron and Chromium bring their own notices beside the program.\n';
  writeFileSync(NOTICES_JSON, JSON.stringify(notices));
  writeFileSync(NOTICES_TEXT, [head, ...parts].join(`\n${'-'.repeat(80)}\n\n`));
}

if (isProgram(import.meta.url)) writeNotices();
