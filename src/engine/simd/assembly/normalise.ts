// LayerNorm over features of batch panels, eight rows in the lanes, with the GELU before it in the backward pass.
import { fma, geluGradient4, splat, sumLanes } from './math';
import { arg, nextUnit, pointer, scalar } from './sync';
import { packStrip12, packStrip8 } from './gemm';

/**
 * Y = γ·(H − mean)/√(var + ε) + β, overwriting; keeps mean and 1/σ of each row; writes Y again as strip12.
 * args: 0 H, 1 Y, 2 pitch of both, 3 F, 4 γ, 5 β, 6 mean [8·panels], 7 1/σ [8·panels], 8 strip12 or 0, 9 strip12 pitch,
 *       10 ε. Units: panels.
 */
export function layerNorm(op: usize): void {
  const pitch = pointer(op, 2);
  const F = arg(op, 3);
  const gamma = pointer(op, 4);
  const beta = pointer(op, 5);
  const strip = pointer(op, 8);
  const eps = splat(scalar(op, 10));
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const h = pointer(op, 0) + <usize>panel * pitch;
    const y = pointer(op, 1) + <usize>panel * pitch;
    for (let half: usize = 0; half < 32; half += 16) {
      let sum = splat(0);
      for (let f = 0; f < F; f++) sum = f32x4.add(sum, v128.load(h + half + ((<usize>f) << 5)));
      const mean = f32x4.mul(sum, inverseF);
      let squares = splat(0);
      for (let f = 0; f < F; f++) {
        const d = f32x4.sub(v128.load(h + half + ((<usize>f) << 5)), mean);
        squares = fma(d, d, squares);
      }
      const inverse = f32x4.div(splat(1), f32x4.sqrt(fma(squares, inverseF, eps)));
      v128.store(pointer(op, 6) + ((<usize>panel) << 5) + half, mean);
      v128.store(pointer(op, 7) + ((<usize>panel) << 5) + half, inverse);
      for (let f = 0; f < F; f++) {
        const at = half + ((<usize>f) << 5);
        const d = f32x4.mul(f32x4.sub(v128.load(h + at), mean), inverse);
        const g = v128.load32_splat(gamma + ((<usize>f) << 2));
        v128.store(y + at, fma(d, g, v128.load32_splat(beta + ((<usize>f) << 2))));
      }
    }
    if (strip != 0) packStrip12(y, ((F + 11) / 12) * 12, strip, pointer(op, 9), panel * 8);
  }
}

/**
 * dZ = GELU'(Z) · dH with dH the input gradient of LayerNorm given dY, overwriting; writes dZ as panel and as strip8.
 * args: 0 dY, 1 H, 2 Z, 3 dZ, 4 pitch of all, 5 F, 6 γ, 7 mean, 8 1/σ, 9 strip8, 10 strip8 pitch. Units: panels.
 */
export function layerNormBackward(op: usize): void {
  const pitch = pointer(op, 4);
  const F = arg(op, 5);
  const gamma = pointer(op, 6);
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * pitch;
    const dy = pointer(op, 0) + base;
    const h = pointer(op, 1) + base;
    const z = pointer(op, 2) + base;
    const dz = pointer(op, 3) + base;
    for (let half: usize = 0; half < 32; half += 16) {
      const mean = v128.load(pointer(op, 7) + ((<usize>panel) << 5) + half);
      const inverse = v128.load(pointer(op, 8) + ((<usize>panel) << 5) + half);
      let sum = splat(0);
      let dot = splat(0);
      for (let f = 0; f < F; f++) {
        const at = half + ((<usize>f) << 5);
        const g = f32x4.mul(v128.load(dy + at), v128.load32_splat(gamma + ((<usize>f) << 2)));
        sum = f32x4.add(sum, g);
        dot = fma(g, f32x4.mul(f32x4.sub(v128.load(h + at), mean), inverse), dot);
      }
      sum = f32x4.mul(sum, inverseF);
      dot = f32x4.mul(dot, inverseF);
      for (let f = 0; f < F; f++) {
        const at = half + ((<usize>f) << 5);
        const g = f32x4.mul(v128.load(dy + at), v128.load32_splat(gamma + ((<usize>f) << 2)));
        const normalised = f32x4.mul(f32x4.sub(v128.load(h + at), mean), inverse);
        const dh = f32x4.mul(inverse, f32x4.sub(f32x4.sub(g, sum), f32x4.mul(normalised, dot)));
        v128.store(dz + at, f32x4.mul(dh, geluGradient4(v128.load(z + at))));
      }
    }
    packStrip8(dz, 0, (F + 7) & ~7, pointer(op, 9), pointer(op, 10), panel * 8);
  }
}

/**
 * dγ[f] = Σ_b dY·x̂ and dβ[f] = Σ_b dY, overwriting, with their sum of squares.
 * args: 0 dY, 1 H, 2 pitch, 3 F, 4 panels, 5 mean, 6 1/σ, 7 dγ, 8 dβ, 9 sum-of-squares slots, 10 features a unit.
 * Units: feature groups.
 */
export function layerNormWeight(op: usize): void {
  const pitch = pointer(op, 2);
  const F = arg(op, 3);
  const panels = arg(op, 4);
  const size = arg(op, 10);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let squares: f64 = 0;
    for (let f = unit * size; f < min((unit + 1) * size, F); f++) {
      let dGamma = splat(0);
      let dBeta = splat(0);
      for (let panel = 0; panel < panels; panel++) {
        const at = <usize>panel * pitch + ((<usize>f) << 5);
        const stats = (<usize>panel) << 5;
        for (let half: usize = 0; half < 32; half += 16) {
          const g = v128.load(pointer(op, 0) + at + half);
          const d = f32x4.sub(v128.load(pointer(op, 1) + at + half), v128.load(pointer(op, 5) + stats + half));
          dGamma = fma(g, f32x4.mul(d, v128.load(pointer(op, 6) + stats + half)), dGamma);
          dBeta = f32x4.add(dBeta, g);
        }
      }
      const gamma = sumLanes(dGamma);
      const beta = sumLanes(dBeta);
      store<f32>(pointer(op, 7) + ((<usize>f) << 2), gamma);
      store<f32>(pointer(op, 8) + ((<usize>f) << 2), beta);
      squares += <f64>gamma * <f64>gamma + <f64>beta * <f64>beta;
    }
    store<f64>(pointer(op, 9) + ((<usize>unit) << 3), squares);
  }
}
