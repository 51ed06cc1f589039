/**
 * The forward pass of each model as a static graph, in evaluation mode: context [B, T, D] → raw and pred [B, D], for AMN
 * also attention [B, T], for the Gram mixture coefficients [B, K]. The graph unrolls the T positions, so a file is for one
 * context length. It is checked against the references like an engine. B batch, T context length, D width, H hidden.
 */
import {
  inputShift,
  type AmnSpec,
  type GruSpec,
  type LstmSpec,
  type ModelSpec,
  type TransformerSpec,
} from '#shared/domain/models/models.ts';
import { CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import { positionTable } from '../positions.ts';
import { causalMask } from '../tfjs/models/transformer.ts';
import type { NamedTensors } from '../types.ts';
import { gramOutputs } from './gram.ts';
import type { Graph, Value } from './graph.ts';
import { GraphLayers } from './layers.ts';

/** Smallest norm a prediction is divided by. */
const MIN_NORM = 1e-12;

interface Outputs {
  readonly raw: Value;
  readonly attention?: Value;
  readonly coefficients?: Value;
}

export function modelGraph(spec: ModelSpec, parameters: NamedTensors): Graph {
  const forward = new ForwardGraph(spec, parameters);
  const { builder } = forward;
  const input = { name: 'context', shape: [-1, spec.T, spec.D] };
  const { raw, ...others } = forward.outputs(spec, input);
  const outputs = [
    builder.named('raw', raw),
    builder.named('pred', forward.unit(raw, 'min_norm', MIN_NORM)),
    ...Object.entries(others).map(([name, value]) => builder.named(name, value)),
  ];
  return { input, outputs, nodes: builder.nodes, constants: builder.constants };
}

class ForwardGraph extends GraphLayers {
  /** x [B, T, D]: the network on x less its shift, the shift added back. */
  outputs(spec: ModelSpec, x: Value): Outputs {
    const { builder } = this;
    const kind = inputShift(spec);
    if (kind === undefined) return this.network(spec, x);
    const shift = kind === 'relative' ? builder.reduce('mean', x, 1, true) : this.weight(CORPUS_MEAN);
    const { raw, ...others } = this.network(spec, builder.binary('sub', x, shift));
    const back = kind === 'relative' ? builder.reshape(shift, [-1, spec.D]) : shift;
    return { raw: builder.binary('add', raw, back), ...others };
  }

  private network(spec: ModelSpec, x: Value): Outputs {
    switch (spec.type) {
      case 'amn':
        return this.amn(spec, x);
      case 'lstm':
        return this.lstm(spec, x);
      case 'gru':
        return this.gru(spec, x);
      case 'transformer':
        return this.transformer(spec, x);
      case 'gram':
        return gramOutputs(this, spec, x, (extra, of) => this.unit(this.outputs(extra, of).raw, 'min_norm', MIN_NORM));
    }
  }

  private amn({ T, D, dModel, skip }: AmnSpec, x: Value): Outputs {
    const { builder } = this;
    const base = builder.reduce('mean', x, 1);
    const query = this.linear('query_encoder', base);
    // query·(W x_t + b) = (Wᵀ query)·x_t + query·b: one product a sequence instead of one a position.
    const folded = builder.reshape(builder.matmul(query, this.weight('context_encoder.weight')), [-1, D, 1]);
    const products = builder.reshape(builder.matmul(x, folded), [-1, T]);
    const bias = builder.reduce('sum', builder.binary('mul', query, this.weight('context_encoder.bias')), 1, true);
    const scale = builder.scalar('score_scale', Math.sqrt(dModel));
    const attention = builder.unary('softmax', builder.binary('div', builder.binary('add', products, bias), scale));
    const mix = builder.reshape(builder.matmul(builder.reshape(attention, [-1, 1, T]), x), [-1, D]);
    let h = this.linear('residual_net.0', builder.concat([base, mix], 1));
    h = this.linear('residual_net.3', this.layerNorm('residual_net.2', this.gelu(h)));
    h = this.linear('residual_net.6', this.layerNorm('residual_net.5', this.gelu(h)));
    const from = skip ? builder.reduce('sum', builder.binary('mul', x, this.weight('position_weights')), 1) : base;
    return { raw: builder.binary('add', from, h), attention };
  }

  private lstm({ T, hiddenDim: H, numLayers }: LstmSpec, x: Value): Outputs {
    let steps = this.steps(x, T);
    for (let layer = 0; layer < numLayers; layer++) steps = this.lstmLayer(layer, steps, H);
    return { raw: this.linear('output_proj', steps[T - 1]) };
  }

  /** T inputs [B, I] → T hidden states [B, H]; gates i, f, g, o. */
  private lstmLayer(layer: number, inputs: readonly Value[], H: number): Value[] {
    const { builder } = this;
    let state: { h: Value; c: Value } | null = null;
    return inputs.map((input) => {
      const ofInput = this.gates(`lstm.weight_ih_l${layer}`, `lstm.bias_ih_l${layer}`, input);
      const ofHidden = this.gates(`lstm.weight_hh_l${layer}`, `lstm.bias_hh_l${layer}`, state?.h ?? null);
      const [i, f, g, o] = this.split(builder.binary('add', ofInput, ofHidden), 4, H);
      const written = builder.binary('mul', builder.unary('sigmoid', i), builder.unary('tanh', g));
      const kept: Value | null = state && builder.binary('mul', builder.unary('sigmoid', f), state.c);
      const c = kept ? builder.binary('add', kept, written) : written;
      const h = builder.binary('mul', builder.unary('sigmoid', o), builder.unary('tanh', c));
      state = { h, c };
      return h;
    });
  }

  private gru({ T, dModel: H, numLayers }: GruSpec, x: Value): Outputs {
    const { builder } = this;
    let steps = this.steps(x, T).map((step) => this.linear('input_proj', step));
    for (let block = 0; block < numLayers; block++) {
      const name = `blocks.${block}`;
      const states = this.gruLayer(`${name}.gru`, steps, H);
      steps = steps.map((step, t) => this.layerNorm(`${name}.norm`, builder.binary('add', step, states[t])));
    }
    return { raw: this.linear('output_proj', steps[T - 1]) };
  }

  /** T inputs [B, H] → T hidden states [B, H]; gates r, z, n, the reset gate on W_hn h + b_hn as in PyTorch. */
  private gruLayer(name: string, inputs: readonly Value[], H: number): Value[] {
    const { builder } = this;
    let h: Value | null = null;
    return inputs.map((input) => {
      const [ri, zi, ni] = this.split(this.gates(`${name}.weight_ih_l0`, `${name}.bias_ih_l0`, input), 3, H);
      const [rh, zh, nh] = this.split(this.gates(`${name}.weight_hh_l0`, `${name}.bias_hh_l0`, h), 3, H);
      const reset = builder.unary('sigmoid', builder.binary('add', ri, rh));
      const update = builder.unary('sigmoid', builder.binary('add', zi, zh));
      const candidate = builder.unary('tanh', builder.binary('add', ni, builder.binary('mul', reset, nh)));
      const kept = builder.binary('mul', update, h ? builder.binary('sub', h, candidate) : candidate);
      h = builder.binary(h ? 'add' : 'sub', candidate, kept);
      return h;
    });
  }

  private transformer(spec: TransformerSpec, x: Value): Outputs {
    const { builder } = this;
    const { T, D, dModel: H, numLayers } = spec;
    const embedded = builder.reshape(this.linear('input_proj', builder.reshape(x, [-1, D])), [-1, T, H]);
    const positions = builder.constant('positions', [T, H], positionTable(T, H));
    const memory = builder.reshape(builder.binary('add', embedded, positions), [-1, H]);
    let h = memory;
    for (let layer = 0; layer < numLayers; layer++) h = this.decoderLayer(spec, layer, h, memory);
    const last = this.steps(builder.reshape(h, [-1, T, H]), T)[T - 1];
    const head = this.layerNorm('head.2', this.gelu(this.linear('head.0', last)));
    return { raw: this.linear('head.3', head) };
  }

  /** h, memory [B·T, H] → [B·T, H]. */
  private decoderLayer(spec: TransformerSpec, layer: number, h: Value, memory: Value): Value {
    const { builder } = this;
    const name = `transformer_decoder.layers.${layer}`;
    const residual = (norm: string, from: Value, delta: Value): Value =>
      this.layerNorm(`${name}.${norm}`, builder.binary('add', from, delta));
    const own = residual('norm1', h, this.attention(spec, `${name}.self_attn`, h, h));
    const crossed = residual('norm2', own, this.attention(spec, `${name}.multihead_attn`, own, memory));
    const hidden = builder.unary('relu', this.linear(`${name}.linear1`, crossed));
    return residual('norm3', crossed, this.linear(`${name}.linear2`, hidden));
  }

  /** PyTorch's MultiheadAttention, causal: in_proj rows are queries, keys, values. from, to [B·T, H] → [B·T, H]. */
  private attention({ T, dModel: H, heads: N }: TransformerSpec, name: string, from: Value, to: Value): Value {
    const { builder } = this;
    const [queries, keys, values] = [from, to, to].map((x, i) => {
      const weight = builder.slice(this.weight(`${name}.in_proj_weight`), 0, i * H, (i + 1) * H);
      const bias = builder.slice(this.weight(`${name}.in_proj_bias`), 0, i * H, (i + 1) * H);
      return builder.transpose(builder.reshape(builder.linear(x, weight, bias), [-1, T, N, H / N]), [0, 2, 1, 3]);
    });
    const scale = builder.scalar('head_scale', Math.sqrt(H / N));
    const scores = builder.binary('div', builder.matmul(queries, keys, true), scale);
    const mask = builder.constant('causal_mask', [T, T], causalMask(T));
    const shares = builder.unary('softmax', builder.binary('add', scores, mask));
    const mixed = builder.transpose(builder.matmul(shares, values), [0, 2, 1, 3]);
    return this.linear(`${name}.out_proj`, builder.reshape(mixed, [-1, H]));
  }

  /** Gate pre-activations of x [B, I]; of no hidden state yet, the bias alone. */
  private gates(weight: string, bias: string, x: Value | null): Value {
    return x ? this.builder.linear(x, this.weight(weight), this.weight(bias)) : this.weight(bias);
  }

  /** x [..., count·H] → `count` values [..., H]. */
  private split(x: Value, count: number, H: number): Value[] {
    const axis = x.shape.length - 1;
    return Array.from({ length: count }, (_, i) => this.builder.slice(x, axis, i * H, (i + 1) * H));
  }
}
