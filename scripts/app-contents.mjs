/** What a packaged app may hold, and how large it may be. */

/** Of an app without Electron. */
const MOST_BYTES = 80_000_000;
/** Folders and files at the top of its archive. */
const CONTENTS = ['node_modules', 'out', 'package.json', 'resources', 'tests'];

/**
 * Throws where an app holds what it should not, lacks an addon of its target, or is too large.
 * `paths`: entries of its archive; `bytes`: of the app without Electron.
 */
export function checkContents({ platform }, { paths, bytes }) {
  const strange = paths.filter((path) => !CONTENTS.includes(path.split('/')[0]) || /\.(map|ts|gyp)$/.test(path));
  if (strange.length > 0) throw new Error(`should not be in the app: ${strange.slice(0, 10).join(', ')}.`);
  const addons = paths.filter((path) => path.endsWith('.node'));
  const own = addons.filter((path) => path.includes(platform) && /universal|x64|arm64/.test(path));
  if (own.length !== 2 || addons.length !== 2)
    throw new Error(`one addon of better-sqlite3 and one of webgpu were expected, not ${addons.join(', ') || 'none'}.`);
  if (bytes > MOST_BYTES)
    throw new Error(`${(bytes / 1e6).toFixed(1)} MB without Electron, more than ${MOST_BYTES / 1e6}.`);
}
