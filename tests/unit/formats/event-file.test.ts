/** Event files, byte by byte as TensorBoard writes them. */
import { expect, test } from 'vitest';
import { scalarsRecord, versionRecord } from '../../../src/main/formats/logs/event-file.ts';

/** Two records of the RecordWriter of tensorboard 2.20. */
const WRITTEN_BY_TENSORBOARD =
  'GAAAAAAAAACjf0siCQAAIED8VNlBGg1icmFpbi5FdmVudDoyKzUxEDkAAAAAAAAAiwc38QkAAFBA/FTZQRCsAiorChEKCnN0ZXAvdG90YWwVAACAPgoWCg9lcG9jaC92YWxDb3NpbmUVAADAv0Fd4ho=';

test('version and scalars have the bytes that TensorBoard writes', () => {
  const scalars = [
    { tag: 'step/total', value: 0.25 },
    { tag: 'epoch/valCosine', value: -1.5 },
  ];
  const written = Buffer.concat([versionRecord(1_700_000_000_500), scalarsRecord(300, 1_700_000_001_250, scalars)]);
  expect(written.toString('base64')).toBe(WRITTEN_BY_TENSORBOARD);
});
