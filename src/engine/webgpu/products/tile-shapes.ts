/** Shapes of the tiles that matrix products are computed by; see tiles.ts. */
import type { Tiling } from '#shared/domain/runs/adapter.ts';

export interface TileShape {
  /** Rows and columns of the tile, multiples of 32. */
  readonly rows: number;
  readonly columns: number;
  /** Groups of 64 threads that share the sum. */
  readonly slices: number;
}

/** Large tiles have the most arithmetic for each value loaded, small ones with slices the most threads for few values. */
export const TILE_SHAPES: Readonly<Record<string, TileShape>> = {
  '32x32x4': { rows: 32, columns: 32, slices: 4 },
  '32x32x2': { rows: 32, columns: 32, slices: 2 },
  '64x32x2': { rows: 64, columns: 32, slices: 2 },
  '64x64x1': { rows: 64, columns: 64, slices: 1 },
};
export const DEFAULT_TILING: Tiling = { few: '32x32x4', many: '64x64x1' };

/** undefined: a name of another version. */
export function shapeOf(name: string): TileShape | undefined {
  return TILE_SHAPES[name];
}
