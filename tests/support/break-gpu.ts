/**
 * Loaded into a trainer process with --import: when the file named by NEXTVEC_TEST_BREAK_GPU appears, the GPU of the
 * webgpu engine fails in the way that the file names. The file is removed then.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { Gpu } from '#engine/webgpu/device.ts';
import type { FaultKind } from '#engine/webgpu/failure.ts';

const LOOK_MS = 10;
/** A silent GPU is given up after 4 s. */
const PATIENCE = { turnMs: 1000, turns: 4 };
/** Gigabytes that are asked for; no GPU of today has as many. */
const GIGABYTES = 1000;
const flag = process.env.NEXTVEC_TEST_BREAK_GPU ?? '';

const FAULTS: Readonly<Record<FaultKind, (device: GPUDevice) => void>> = {
  lost: (device) => device.destroy(),
  memory: (device) => {
    for (let i = 0; i < GIGABYTES; i++) device.createBuffer({ size: 2 ** 30, usage: GPUBufferUsage.STORAGE });
  },
  refused: (device) => void device.createShaderModule({ code: 'no WGSL' }),
  silent: () => {
    GPUBuffer.prototype.mapAsync = () => new Promise(() => {});
  },
};

const open = Gpu.open.bind(Gpu);
Gpu.open = async () => {
  const gpu = await open(PATIENCE);
  const timer = setInterval(() => {
    if (!existsSync(flag)) return;
    const kind = readFileSync(flag, 'utf8') as FaultKind;
    rmSync(flag);
    clearInterval(timer);
    FAULTS[kind](gpu.device);
  }, LOOK_MS);
  timer.unref();
  return gpu;
};
