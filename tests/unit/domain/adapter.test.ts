import { expect, test } from 'vitest';
import { adapterWords } from '#shared/domain/runs/adapter.ts';

const limits = { maxBindingBytes: 2 ** 30, maxBufferBytes: 2 ** 30 };

test('an adapter is named with its architecture and driver', () => {
  const adapter = {
    vendor: 'nvidia',
    architecture: 'hopper',
    device: 'NVIDIA H200',
    description: '570.86',
    isSoftware: false,
  };
  expect(adapterWords({ ...adapter, ...limits })).toBe('NVIDIA H200, hopper (570.86)');
});

test('a software adapter says so', () => {
  const adapter = { vendor: 'google', architecture: 'swiftshader', device: '', description: '', isSoftware: true };
  expect(adapterWords({ ...adapter, ...limits })).toBe('google, swiftshader, in software');
});

test('an adapter that WebGPU does not describe has a name', () => {
  const adapter = { vendor: '', architecture: '', device: '', description: '', isSoftware: false };
  expect(adapterWords({ ...adapter, ...limits })).toBe('unnamed adapter');
});
