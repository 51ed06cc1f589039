"""The next-vector predictors: contexts [B, T, D] to raw [B, D], of which the direction is the prediction.

Parameters have the names of Nextvec's safetensors exports. T context length, D vector width, H hidden width.
"""
import math
import torch
from torch import nn


class AMN(nn.Module):
    def __init__(self, T, D, dModel, hiddenDim, skip="mean"):
        super().__init__()
        H = hiddenDim
        self.context_encoder = nn.Linear(D, dModel)
        self.query_encoder = nn.Linear(D, dModel)
        self.residual_net = nn.Sequential(
            nn.Linear(2 * D, H), nn.GELU(), nn.LayerNorm(H),
            nn.Linear(H, H // 2), nn.GELU(), nn.LayerNorm(H // 2),
            nn.Linear(H // 2, D),
        )
        self.position_weights = nn.Parameter(torch.full((T, D), 1 / T)) if skip == "positional" else None

    def forward(self, x):
        base = x.mean(1)
        scores = torch.einsum("ba,bta->bt", self.query_encoder(base), self.context_encoder(x))
        attention = torch.softmax(scores / math.sqrt(self.query_encoder.out_features), 1)
        mix = torch.einsum("bt,btd->bd", attention, x)
        skip = base if self.position_weights is None else (x * self.position_weights).sum(1)
        return skip + self.residual_net(torch.cat([base, mix], 1))


class LSTM(nn.Module):
    def __init__(self, T, D, hiddenDim, numLayers, dropout):
        super().__init__()
        between = dropout if numLayers > 1 else 0.0
        self.lstm = nn.LSTM(D, hiddenDim, numLayers, batch_first=True, dropout=between)
        self.output_proj = nn.Linear(hiddenDim, D)

    def forward(self, x):
        return self.output_proj(self.lstm(x)[0][:, -1])


class GRU(nn.Module):
    def __init__(self, T, D, dModel, numLayers):
        super().__init__()
        H = dModel
        self.input_proj = nn.Linear(D, H)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"gru": nn.GRU(H, H, batch_first=True), "norm": nn.LayerNorm(H)}) for _ in range(numLayers)
        )
        self.output_proj = nn.Linear(H, D)

    def forward(self, x):
        h = self.input_proj(x)
        for block in self.blocks:
            h = block["norm"](h + block["gru"](h)[0])
        return self.output_proj(h[:, -1])


class Positions(nn.Module):
    """Adds sine (even features) and cosine (odd features) of the position."""

    def __init__(self, T, H):
        super().__init__()
        angles = torch.outer(torch.arange(max(T, 100)), torch.exp(torch.arange(0, H, 2) * (-math.log(10_000) / H)))
        self.register_buffer("pe", torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[None, :, :H])

    def forward(self, x):
        return x + self.pe[:, : x.shape[1]]


class Transformer(nn.Module):
    """Decoder layers whose memory is their own embedded input; both attentions are causal."""

    def __init__(self, T, D, dModel, heads, numLayers, feedForward, dropout):
        super().__init__()
        H = dModel
        self.input_proj = nn.Linear(D, H)
        self.pos_encoder = Positions(T, H)
        layer = nn.TransformerDecoderLayer(H, heads, feedForward, dropout, batch_first=True)
        self.transformer_decoder = nn.TransformerDecoder(layer, numLayers)
        self.head = nn.Sequential(nn.Linear(H, H), nn.GELU(), nn.LayerNorm(H), nn.Linear(H, D))

    def forward(self, x):
        h = self.pos_encoder(self.input_proj(x))
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device)
        return self.head(self.transformer_decoder(h, h, tgt_mask=mask, memory_mask=mask)[:, -1])


def shifted(network, inputs):
    """The network reads each context less its own mean ("relative") or the mean of the training data ("centred"), which
    is added to its output."""

    class Shifted(network):
        def __init__(self, T, D, **sizes):
            super().__init__(T=T, D=D, **sizes)
            if inputs == "relative":
                self.register_buffer("context_mean_weights", torch.full((T,), 1 / T))
            else:
                self.register_buffer("corpus_mean", torch.zeros(D))

        def forward(self, x):
            mean = x.mean(1) if inputs == "relative" else self.corpus_mean.expand(len(x), -1)
            return super().forward(x - mean[:, None]) + mean

    return Shifted


NETWORKS = {"amn": AMN, "lstm": LSTM, "gru": GRU, "transformer": Transformer}


def build(type, inputs=None, **sizes):
    """The model that "model" in project.json describes."""
    network = NETWORKS[type] if inputs is None else shifted(NETWORKS[type], inputs)
    return network(**sizes)
