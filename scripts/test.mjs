/**
 * `npm test`: browser, build, then every test (unit, numeric, contract, end-to-end on both hosts), and a summary.
 * Arguments go to vitest, e.g. `npm test -- --project component`.
 */
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from './build-if-needed.mjs';
import { findOrInstallBrowser } from './find-browser.mjs';
import { runToEnd, withGoodNode } from './node.mjs';

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** `text`: of a failure; a test that throws no Error has none. */
function firstLine(text) {
  return String(text ?? '')
    .trim()
    .split('\n', 1)[0];
}

/** Test files by group (e2e, contract, unit/runs …): seconds from start to end of its files, longest first. */
function secondsPerGroup(testResults) {
  const groups = {};
  for (const { name, startTime, endTime } of testResults) {
    const group = dirname(relative('tests', name));
    groups[group] = (groups[group] ?? 0) + (endTime - startTime) / 1000;
  }
  return Object.entries(groups).toSorted(([, a], [, b]) => b - a);
}

/** Tests of the webgpu engine that were skipped: they need an adapter. */
function skippedWebgpu(testResults) {
  return testResults
    .filter(({ name }) => basename(name).startsWith('webgpu'))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'skipped' || status === 'pending').length;
}

/** Counts and failures from vitest's own report; null when it wrote none. */
function readCounts(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    const skipped = report.numPendingTests + report.numTodoTests;
    const failures = report.testResults
      .filter(({ status }) => status === 'failed')
      .flatMap(({ name, message, assertionResults }) => {
        const failed = assertionResults.filter(({ status }) => status === 'failed');
        const file = relative('.', name);
        if (failed.length === 0) return [`${file}: ${firstLine(message)}`];
        return failed.map(({ fullName, failureMessages }) => `${file} > ${fullName}: ${firstLine(failureMessages[0])}`);
      });
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped,
      files: report.testResults.length,
      failures,
      groups: secondsPerGroup(report.testResults),
      skippedWebgpu: skippedWebgpu(report.testResults),
    };
  } catch {
    return null;
  }
}

const MEMORY_FOLDER = '/dev/shm';
const MEMORY_BYTES = 2e9;

/** A folder for temporary files, in memory where Linux has room: tests sync thousands of checkpoints, and a disk is slow at it. */
function temporaryFolder() {
  let parent = tmpdir();
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    if (bavail * bsize >= MEMORY_BYTES) parent = MEMORY_FOLDER;
  } catch {
    // Not on this system.
  }
  return mkdtempSync(join(parent, 'nextvec-test-'));
}

/** Processes of tests that start from source would each strip and compile the same files once more. */
const COMPILE_CACHE = resolve('node_modules/.cache/compile');

/** Lines of a native stack that follow the message of a runtime that gives up. */
const CRASH_LINES = 30;

/** Passes stderr on, and puts into `crash` what a runtime itself said of why it gave up, with its stack. */
function watchForCrash(stderr, crash) {
  stderr.pipe(process.stderr, { end: false });
  let left = 0;
  createInterface({ input: stderr }).on('line', (line) => {
    if (left === 0 && /^(# Fatal error|FATAL ERROR)/.test(line)) left = CRASH_LINES;
    if (left === 0) return;
    left--;
    crash.push(line);
  });
}

async function test() {
  const summary = [];
  const crash = [];
  let started = performance.now();
  const browser = await findOrInstallBrowser();
  summary.push(`browser     ${browser} (${seconds(started)})`);
  started = performance.now();
  await buildIfNeeded();
  summary.push(`build       out/ is up to date (${seconds(started)})`);
  started = performance.now();
  const folder = temporaryFolder();
  const report = join(folder, 'report.json');
  const status = await runToEnd(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...process.argv.slice(2),
    ],
    {
      env: { ...process.env, CHROME_PATH: browser, NODE_COMPILE_CACHE: COMPILE_CACHE, TMPDIR: folder },
      stdio: ['inherit', 'inherit', 'pipe'],
      onStart: ({ stderr }) => watchForCrash(stderr, crash),
    },
  );
  const counts = readCounts(report);
  rmSync(folder, { recursive: true, force: true });
  if (counts) {
    const { passed, failed, skipped, files, failures, groups, skippedWebgpu } = counts;
    summary.push(
      `tests       ${passed} passed, ${failed} failed, ${skipped} skipped in ${files} files (${seconds(started)})`,
    );
    for (const [group, time] of groups) if (time >= 1) summary.push(`            ${time.toFixed(0)} s in ${group}`);
    if (skippedWebgpu > 0) {
      summary.push(`webgpu      ${skippedWebgpu} tests skipped: no GPU and no Chromium with a software adapter here`);
    }
    for (const failure of failures) summary.push(`failed      ${failure}`);
  } else summary.push(`tests       vitest wrote no report (status ${status})`);
  for (const line of crash) summary.push(`crash       ${line}`);
  console.log(`\nSummary\n${summary.map((line) => `  ${line}`).join('\n')}\n  ${status === 0 ? 'PASSED' : 'FAILED'}`);
  if (counts) console.log(`tests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = status;
}

await withGoodNode(fileURLToPath(import.meta.url), test);
