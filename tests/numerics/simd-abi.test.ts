/** The interface between TypeScript and the compiled kernels: declared once, versioned, checked when it is loaded. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { KERNEL_ABI } from '#engine/simd/abi/version.ts';
import { InfoNceGradient, InfoNceRows } from '#engine/simd/abi/losses.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { idleImports, openKernels } from '#engine/simd/runtime/kernels.ts';
import { ThreadPool } from '#engine/simd/runtime/pool.ts';
import { Program } from '#engine/simd/program.ts';
import { fieldIndices } from '#engine/simd/struct.ts';
import { kernelFile, VARIANTS } from '#engine/simd/runtime/variants.ts';
import type { EngineHost } from '#engine/types.ts';
import { idleKernels } from '../support/idle-kernels.ts';
import { simdHost } from '../support/simd-host.ts';

const FOLDER = resolve('src/engine/simd/abi');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && name !== 'version.ts');

let host: EngineHost;
beforeAll(async () => {
  host = await simdHost();
});

test('KERNEL_ABI is the hash of the declarations', async () => {
  const script = (await import(pathToFileURL(resolve('scripts/build-kernels.mjs')).href)) as {
    abiOfDeclarations(): number;
  };
  expect(KERNEL_ABI).toBe(script.abiOfDeclarations());
});

test('every operation has a unique code and at most 29 arguments of 4 bytes', async () => {
  const codes: number[] = [];
  for (const name of FILES.filter((file) => !file.endsWith('.d.ts'))) {
    const module = (await import(pathToFileURL(join(FOLDER, name)).href)) as Record<string, unknown>;
    for (const declared of Object.values(module)) {
      if (typeof declared !== 'function' || !('code' in declared)) continue;
      codes.push(declared.code as number);
      expect(Object.keys(fieldIndices(declared as unknown as new () => object)).length).toBeLessThanOrEqual(29);
      const block = readFileSync(join(FOLDER, name), 'utf8')
        .split(RegExp(`class ${declared.name} (?:extends \\w+ )?{`))[1]
        .split('\n}')[0];
      const types = [...block.matchAll(/!: (\w+);/g)].map(([, type]) => type);
      expect(types.filter((type) => !['i32', 'u32', 'usize', 'f32'].includes(type))).toEqual([]);
    }
  }
  expect(codes.length).toBeGreaterThan(0);
  expect(new Set(codes).size).toBe(codes.length);
});

describe('arguments by name', () => {
  const args = { products: 1, pitch: 2, B: 3, rowLogSumExp: 4, columnLogSumExp: 5, hyper: 6 };

  test('are written in the order of the declaration', () => {
    const program = new Program(0, 0);
    program.add('reversed', InfoNceGradient, 1, {
      hyper: 6,
      columnLogSumExp: 5,
      rowLogSumExp: 4,
      B: 3,
      pitch: 2,
      products: 1,
    });
    expect(program.operations[0].args).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('a missing, extra or mistyped argument does not compile', () => {
    const program = new Program(0, 0);
    const { hyper: _, ...missing } = args;
    // @ts-expect-error -- `hyper` is missing
    program.add('missing', InfoNceGradient, 1, missing);
    // @ts-expect-error -- `tau` is not declared
    expect(() => program.add('extra', InfoNceGradient, 1, { ...args, tau: 7 })).toThrow(/"extra" has no argument tau/);
    // @ts-expect-error -- `B` is an integer
    program.add('mistyped', InfoNceGradient, 1, { ...args, B: { float: 3 } });
    // @ts-expect-error -- arguments of another operation
    expect(() => program.add('other', InfoNceRows, 1, args)).toThrow(/"other" has no argument columnLogSumExp/);
  });
});

describe('ABI of the .wasm', () => {
  test.each(VARIANTS.flatMap((variant) => [false, true].map((shared) => [variant, shared] as const)))(
    'the build %s (shared memory: %s) is of this program',
    (variant, shared) => {
      const module = new WebAssembly.Module(readFileSync(resolve('resources', kernelFile(variant, shared))));
      expect(openKernels(module, idleImports(shared)).abi?.value).toBe(KERNEL_ABI);
    },
  );

  describe.each([
    [0x1234567, 'ABI 0x1234567'],
    [undefined, 'no ABI number'],
  ])('a .wasm of ABI %s', (abi, named) => {
    const refused = new RegExp(
      `${named}, this program needs ABI 0x${KERNEL_ABI.toString(16)}; run "npm run build:kernels"`,
    );

    test.each(VARIANTS.flatMap((variant) => [1, 2].map((threads) => [variant, threads] as const)))(
      'is refused when the engine opens: %s, %i threads',
      async (variant, threads) => {
        const stale = { ...host, readResource: async () => idleKernels(abi) };
        await expect(createSimdEngine({ host: stale, variant, threads })).rejects.toThrow(refused);
      },
    );

    test('is refused by a thread', async () => {
      const fresh = new WebAssembly.Module(readFileSync(resolve('resources', kernelFile('relaxed', true))));
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const layout = { T: 1, D: 1, rowBytes: 4, ids: [0, 0], contexts: [0, 0], targets: [0, 0] };
      const setups = [fresh, new WebAssembly.Module(idleKernels(abi))].map((module) => {
        return { module, memory, control: 0, scratch: 4096, layout, maxBatch: 1 };
      });
      await expect(ThreadPool.start({ host, threads: 2, setups })).rejects.toThrow(refused);
    });
  });
});
