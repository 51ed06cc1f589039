// The positional skip path of AMN: each position and dimension of the context with a weight of its own.
// T context length, L row length in bytes, B batch rows.
import { fma, splat } from '../math';
import { args, nextUnit } from '../sync';
import { PositionForward, PositionWeight } from '../../abi/amn.ts';

export function position(op: usize): void {
  const a = args<PositionForward>(op);
  const T = a.T;
  const L = a.rowBytes;
  const B = a.B;
  const weights = a.weights;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    for (let b = unit * 8; b < unit * 8 + 8; b++) {
      const to = a.skip + <usize>b * L;
      if (b >= B) {
        memory.fill(to, 0, L);
        continue;
      }
      const x = a.contexts + <usize>(b * T) * L;
      for (let at: usize = 0; at < L; at += 16) {
        let sum = f32x4.mul(v128.load(weights + at), v128.load(x + at));
        for (let t = 1; t < T; t++) {
          const row = <usize>t * L + at;
          sum = fma(v128.load(weights + row), v128.load(x + row), sum);
        }
        v128.store(to + at, sum);
      }
    }
  }
}

export function positionWeight(op: usize): void {
  const a = args<PositionWeight>(op);
  const T = a.T;
  const L = a.rowBytes;
  const B = a.B;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let squares: f64 = 0;
    for (let t = 0; t < T; t++) {
      const column = ((<usize>unit) << 5) + <usize>t * L;
      let x = a.contexts + column;
      let draw = a.draw + <usize>unit * a.drawPitch;
      let low = splat(0);
      let high = splat(0);
      for (let b = 0; b < B; b++) {
        low = fma(v128.load(draw), v128.load(x), low);
        high = fma(v128.load(draw, 16), v128.load(x, 16), high);
        x += <usize>T * L;
        draw += 32;
      }
      const to = a.dweights + column;
      v128.store(to, low);
      v128.store(to, high, 16);
      for (let i: usize = 0; i < 32; i += 4) {
        const value = <f64>load<f32>(to + i);
        squares += value * value;
      }
    }
    store<f64>(a.slots + ((<usize>unit) << 3), squares);
  }
}
