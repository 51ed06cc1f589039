// LayerNorm over features of batch panels, eight rows in the lanes, with the GELU before it in the backward pass.
import { fma, geluGradient4, splat, sumLanes } from '../math';
import { args, nextUnit } from '../sync';
import { packStrip12, packStrip8 } from '../products/pack';
import { LayerNormBackward, LayerNormForward, LayerNormWeight } from '../../abi/norm.ts';

export function layerNorm(op: usize): void {
  const a = args<LayerNormForward>(op);
  const pitch = a.pitch;
  const F = a.F;
  const gamma = a.gamma;
  const beta = a.beta;
  const strip = a.strip;
  const eps = splat(a.eps);
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const h = a.h + <usize>panel * pitch;
    const y = a.y + <usize>panel * pitch;
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
      v128.store(a.mean + ((<usize>panel) << 5) + half, mean);
      v128.store(a.inverseSigma + ((<usize>panel) << 5) + half, inverse);
      for (let f = 0; f < F; f++) {
        const at = half + ((<usize>f) << 5);
        const d = f32x4.mul(f32x4.sub(v128.load(h + at), mean), inverse);
        const g = v128.load32_splat(gamma + ((<usize>f) << 2));
        v128.store(y + at, fma(d, g, v128.load32_splat(beta + ((<usize>f) << 2))));
      }
    }
    if (strip != 0) packStrip12(y, ((F + 11) / 12) * 12, strip, a.stripPitch, panel * 8);
  }
}

export function layerNormBackward(op: usize): void {
  const a = args<LayerNormBackward>(op);
  const pitch = a.pitch;
  const F = a.F;
  const gamma = a.gamma;
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * pitch;
    const dy = a.dy + base;
    const h = a.h + base;
    const z = a.z + base;
    const dz = a.dz + base;
    for (let half: usize = 0; half < 32; half += 16) {
      const mean = v128.load(a.mean + ((<usize>panel) << 5) + half);
      const inverse = v128.load(a.inverseSigma + ((<usize>panel) << 5) + half);
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
    packStrip8(dz, 0, (F + 7) & ~7, a.strip, a.stripPitch, panel * 8);
  }
}

export function layerNormWeight(op: usize): void {
  const a = args<LayerNormWeight>(op);
  const pitch = a.pitch;
  const F = a.F;
  const panels = a.panels;
  const size = a.unitFeatures;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let squares: f64 = 0;
    for (let f = unit * size; f < min((unit + 1) * size, F); f++) {
      let dGamma = splat(0);
      let dBeta = splat(0);
      for (let panel = 0; panel < panels; panel++) {
        const at = <usize>panel * pitch + ((<usize>f) << 5);
        const stats = (<usize>panel) << 5;
        for (let half: usize = 0; half < 32; half += 16) {
          const g = v128.load(a.dy + at + half);
          const d = f32x4.sub(v128.load(a.h + at + half), v128.load(a.mean + stats + half));
          dGamma = fma(g, f32x4.mul(d, v128.load(a.inverseSigma + stats + half)), dGamma);
          dBeta = f32x4.add(dBeta, g);
        }
      }
      const gamma = sumLanes(dGamma);
      const beta = sumLanes(dBeta);
      store<f32>(a.dgamma + ((<usize>f) << 2), gamma);
      store<f32>(a.dbeta + ((<usize>f) << 2), beta);
      squares += <f64>gamma * <f64>gamma + <f64>beta * <f64>beta;
    }
    store<f64>(a.slots + ((<usize>unit) << 3), squares);
  }
}
