"""The trained models that can be parts of a Gram mixture, in PyTorch. Used by gram_loader.py; needs torch.

trained_models(tensors) gives one module a model, [B, T, D] to [B, D]. Sizes are read from the tensors, heads of 64 are assumed.
"""
import math
import torch
from torch import nn


class AMN(nn.Module):
    def __init__(self, w):
        super().__init__()
        (A, D), H = w["context_encoder.weight"].shape, len(w["residual_net.0.bias"])
        self.context_encoder, self.query_encoder = nn.Linear(D, A), nn.Linear(D, A)
        self.residual_net = nn.Sequential(
            nn.Linear(2 * D, H), nn.GELU(), nn.LayerNorm(H),
            nn.Linear(H, H // 2), nn.GELU(), nn.LayerNorm(H // 2), nn.Linear(H // 2, D))
        self.register_buffer("position_weights", w.get("position_weights"))

    def forward(self, x):
        base = x.mean(1)
        scores = torch.einsum("ba,bta->bt", self.query_encoder(base), self.context_encoder(x))
        attention = torch.softmax(scores / math.sqrt(self.query_encoder.out_features), 1)
        residual = self.residual_net(torch.cat([base, torch.einsum("bt,btd->bd", attention, x)], 1))
        return residual + (base if self.position_weights is None else (x * self.position_weights).sum(1))


class LSTM(nn.Module):
    def __init__(self, w):
        super().__init__()
        D, H = w["output_proj.weight"].shape
        self.lstm = nn.LSTM(D, H, sum("weight_hh" in name for name in w), batch_first=True)
        self.output_proj = nn.Linear(H, D)

    def forward(self, x):
        return self.output_proj(self.lstm(x)[0][:, -1])


class GRU(nn.Module):
    def __init__(self, w):
        super().__init__()
        H, D = w["input_proj.weight"].shape
        self.input_proj, self.output_proj = nn.Linear(D, H), nn.Linear(H, D)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"gru": nn.GRU(H, H, batch_first=True), "norm": nn.LayerNorm(H)})
            for _ in range(sum("weight_hh" in name for name in w)))

    def forward(self, x):
        x = self.input_proj(x)
        for block in self.blocks:
            x = block["norm"](x + block["gru"](x)[0])
        return self.output_proj(x[:, -1])


class Transformer(nn.Module):
    def __init__(self, w):
        super().__init__()
        (H, D), layers = w["input_proj.weight"].shape, sum("linear1.weight" in name for name in w)
        feed_forward = len(w["transformer_decoder.layers.0.linear1.bias"])
        self.input_proj = nn.Linear(D, H)
        layer = nn.TransformerDecoderLayer(H, max(1, round(H / 64)), feed_forward, batch_first=True)
        self.transformer_decoder = nn.TransformerDecoder(layer, layers)
        self.head = nn.Sequential(nn.Linear(H, H), nn.GELU(), nn.LayerNorm(H), nn.Linear(H, D))

    def forward(self, x):
        T, H = x.shape[1], self.input_proj.out_features
        angles = torch.outer(torch.arange(T), torch.exp(torch.arange(0, H, 2) * (-math.log(10_000) / H)))
        positions = torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :H].to(x)
        x = self.input_proj(x) + positions
        mask = nn.Transformer.generate_square_subsequent_mask(T, device=x.device)
        return self.head(self.transformer_decoder(x, x, tgt_mask=mask, memory_mask=mask)[:, -1])


class Shifted(nn.Module):  # reads its context less a mean, which is added to its output
    def __init__(self, net, corpus_mean):
        super().__init__()
        self.net = net
        self.register_buffer("corpus_mean", corpus_mean)  # None: the mean of the context

    def forward(self, x):
        mean = x.mean(1) if self.corpus_mean is None else self.corpus_mean
        return self.net(x - mean.unsqueeze(-2)) + mean


SIGNATURES = {
    "context_encoder.weight": AMN,
    "lstm.weight_ih_l0": LSTM,
    "blocks.0.gru.weight_ih_l0": GRU,
    "transformer_decoder.layers.0.linear1.weight": Transformer,
}


def trained_model(w):
    relative, corpus_mean = w.pop("context_mean_weights", None), w.pop("corpus_mean", None)
    net = next(model for name, model in SIGNATURES.items() if name in w)(w)
    net.load_state_dict(w)
    return net if relative is None and corpus_mean is None else Shifted(net, corpus_mean)


def trained_models(tensors):  # of "extras.0.*", "extras.1.*", ...
    count = len({name.split(".")[1] for name in tensors if name.startswith("extras.")})
    prefixes = [f"extras.{i}." for i in range(count)]
    return nn.ModuleList(
        trained_model({name.removeprefix(p): w for name, w in tensors.items() if name.startswith(p)}) for p in prefixes)
