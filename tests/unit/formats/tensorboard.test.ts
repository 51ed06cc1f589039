/** Event files with TensorBoard itself. Needs NEXTVEC_TEST_TENSORBOARD: a Python that has the package `tensorboard`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scalarsRecord, versionRecord } from '../../../src/main/formats/logs/event-file.ts';
import { readEvents } from '../../../src/main/formats/logs/read-events.ts';

const python = process.env.NEXTVEC_TEST_TENSORBOARD ?? '';

const READ = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))
`;

const WRITE = `
import sys
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter(sys.argv[1])
for step in range(50):
    value = Summary.Value(tag="val/cosine", simple_value=step / 64)
    writer.add_event(Event(step=step, wall_time=1.7e9 + step, summary=Summary(value=[value])))
writer.close()
`;

describe.skipIf(python === '')('TensorBoard', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nextvec-tensorboard-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (script: string, path: string): string =>
    execFileSync(python, ['-c', script, path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

  test('reads what this program writes', () => {
    const path = join(folder, 'events.out.tfevents.1.nextvec');
    const values = Array.from({ length: 300 }, (_, step) => step / 256 - 0.5);
    const records = values.map((value, step) =>
      scalarsRecord(step, 1_700_000_000_000 + step, [{ tag: 'loss', value }]),
    );
    writeFileSync(path, Buffer.concat([versionRecord(1_700_000_000_000), ...records]));
    expect(JSON.parse(run(READ, path))).toEqual({ loss: values.map((value, step) => [step, value]) });
  });

  test('writes what this program reads', async () => {
    const logs = join(folder, 'logs');
    run(WRITE, logs);
    const found: [number, string, number][] = [];
    const visit = { scalar: (...scalar: [number, string, number]) => found.push(scalar), other: () => {} };
    expect(await readEvents(join(logs, readdirSync(logs)[0]), visit)).toBeNull();
    expect(found).toEqual(Array.from({ length: 50 }, (_, step) => [step, 'val/cosine', step / 64]));
  });
});
