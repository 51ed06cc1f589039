#!/usr/bin/env node
/** The command line: finds a Node that is new enough, builds once in a fresh checkout, runs out/main/cli.js. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from '../scripts/build-if-needed.mjs';
import { ROOT, withGoodNode } from '../scripts/node.mjs';

const CLI = join(ROOT, 'out', 'main', 'cli.js');

await withGoodNode(fileURLToPath(import.meta.url), async () => {
  if (!existsSync(CLI)) await build('first use');
  await import(pathToFileURL(CLI).href);
});
