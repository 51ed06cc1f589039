/** The GPU that the `webgpu` engine runs on, as WebGPU describes it. */
import { z } from 'zod';

export const AdapterSchema = z.object({
  vendor: z.string(),
  architecture: z.string(),
  device: z.string(),
  /** Usually the driver and its version. */
  description: z.string(),
  /** Computed by the processor: correct, and slower than `simd`. */
  isSoftware: z.boolean(),
  /** Largest range of a buffer that one kernel can read, bytes. */
  maxBindingBytes: z.number(),
  maxBufferBytes: z.number(),
  /** Memory that it may take, bytes; null: it has its own, of which WebGPU does not tell; absent: not recorded. */
  memoryBytes: z.number().nullable().optional(),
});
export type Adapter = z.infer<typeof AdapterSchema>;

/**
 * Tiles of the matrix products on a GPU, by name ("64x64x1": rows, columns, slices of the sum): of products with few and with many
 * tiles. Measured once on a device.
 */
export const TilingSchema = z.object({ few: z.string(), many: z.string() });
export type Tiling = z.infer<typeof TilingSchema>;

/** E.g. "NVIDIA H200, hopper (NVIDIA driver 550.54)"; WebGPU may leave any of it empty. */
export function adapterWords({ vendor, architecture, device, description, isSoftware }: Adapter): string {
  const name = [device || vendor, architecture].filter(Boolean).join(', ') || 'unnamed adapter';
  const driver = description ? ` (${description})` : '';
  return `${name}${driver}${isSoftware ? ', in software' : ''}`;
}
