// The positional skip path of AMN: each position and dimension of the context with a weight of its own.
// T context length, L row length in bytes, B batch rows.
import { fma, splat } from './math';
import { arg, nextUnit, pointer } from './sync';

/**
 * skip_b = Σ_t w_t ⊙ x_bt, overwriting; pad rows become zero.
 * args: 0 X rows [B][T][L], 1 T, 2 L bytes, 3 B, 4 weights [T][L], 5 skip rows [B][L]. Units: eight rows.
 */
export function position(op: usize): void {
  const T = arg(op, 1);
  const L = pointer(op, 2);
  const B = arg(op, 3);
  const weights = pointer(op, 4);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    for (let b = unit * 8; b < unit * 8 + 8; b++) {
      const to = pointer(op, 5) + <usize>b * L;
      if (b >= B) {
        memory.fill(to, 0, L);
        continue;
      }
      const x = pointer(op, 0) + <usize>(b * T) * L;
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

/**
 * dw_t = Σ_b draw_b ⊙ x_bt, overwriting, and the sum of its squares per unit.
 * args: 0 X rows [B][T][L], 1 T, 2 L bytes, 3 B, 4 draw strip8 [F/8][B][8], 5 its pitch, 6 dweights [T][L],
 *       7 sums of squares [units] float64. Units: eight features.
 */
export function positionWeight(op: usize): void {
  const T = arg(op, 1);
  const L = pointer(op, 2);
  const B = arg(op, 3);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let squares: f64 = 0;
    for (let t = 0; t < T; t++) {
      const column = ((<usize>unit) << 5) + <usize>t * L;
      let x = pointer(op, 0) + column;
      let draw = pointer(op, 4) + <usize>unit * pointer(op, 5);
      let low = splat(0);
      let high = splat(0);
      for (let b = 0; b < B; b++) {
        low = fma(v128.load(draw), v128.load(x), low);
        high = fma(v128.load(draw, 16), v128.load(x, 16), high);
        x += <usize>T * L;
        draw += 32;
      }
      const to = pointer(op, 6) + column;
      v128.store(to, low);
      v128.store(to, high, 16);
      for (let i: usize = 0; i < 32; i += 4) {
        const value = <f64>load<f32>(to + i);
        squares += value * value;
      }
    }
    store<f64>(pointer(op, 7) + ((<usize>unit) << 3), squares);
  }
}
