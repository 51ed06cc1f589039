/**
 * A trainer process, from source: when the file named by NEXTVEC_TEST_BREAK_GPU appears, the GPU of the webgpu engine fails
 * in the way that the file names, "wrong" for one that computes wrong gradients. The file is removed then.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { Gpu } from '#engine/webgpu/device/device.ts';
import { GpuFailure, type FaultKind } from '#engine/webgpu/device/failure.ts';
import { WebgpuModel } from '#engine/webgpu/model.ts';
import { Watchdog } from '#engine/webgpu/device/watchdog.ts';
import type { LossProbe } from '#engine/types.ts';

const LOOK_MS = 10;
/** A silent GPU is given up after 4 s. */
const PATIENCE = { turnMs: 1000, turns: 4 };
/** Gigabytes that are asked for; no GPU of today has as many. */
const GIGABYTES = 1000;
const rightProbe = WebgpuModel.prototype.probe;
const flag = process.env.NEXTVEC_TEST_BREAK_GPU ?? '';

async function probeWrongly(this: WebgpuModel, ...batch: Parameters<WebgpuModel['probe']>): Promise<LossProbe> {
  const probe = await rightProbe.apply(this, batch);
  for (const values of probe.gradients.values()) values[0] += 0.01 * probe.gradNorm;
  return probe;
}

const FAULTS: Readonly<Record<FaultKind | 'wrong', (gpu: Gpu) => void>> = {
  lost: ({ device }) => device.destroy(),
  memory: ({ device }) => {
    for (let i = 0; i < GIGABYTES; i++) device.createBuffer({ size: 2 ** 30, usage: GPUBufferUsage.STORAGE });
  },
  refused: ({ device }) => void device.createShaderModule({ code: 'no WGSL' }),
  silent: (gpu) => {
    // Only now: on a loaded machine a healthy device may answer late.
    const silence = (seconds: number) => new GpuFailure('silent', gpu.adapter, `nothing for ${seconds} s`);
    Object.assign(gpu, { watchdog: new Watchdog(PATIENCE, silence) });
    GPUBuffer.prototype.mapAsync = () => new Promise(() => {});
  },
  wrong: () => {
    WebgpuModel.prototype.probe = probeWrongly;
  },
};

const open = Gpu.open.bind(Gpu);
Gpu.open = async (options) => {
  const gpu = await open(options);
  const look = (): void => {
    if (!existsSync(flag)) return;
    const kind = readFileSync(flag, 'utf8') as keyof typeof FAULTS;
    rmSync(flag);
    clearInterval(timer);
    FAULTS[kind](gpu);
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  look();
  return gpu;
};

await import('../../src/main/trainer/entry.ts');
