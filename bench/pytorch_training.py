"""The training step of bench/engine.ts in PyTorch, whole loop: sampling, losses, clipping, AdamW, figures to show.

Usage: OMP_NUM_THREADS=n OPENBLAS_NUM_THREADS=m python3 bench/pytorch_training.py MODEL BATCH SECONDS [TORCH_THREADS]
MODEL is amn, lstm, gru or transformer. Prints one line of JSON: {"rowsPerSecond": ..., "msPerStep": ..., "steps": ...}.
bench/engine.ts sweeps the thread settings. In PyTorch's favour: AMN's attention shortcut, windows gathered by one
index_select, the two idle terms and the gradient norms of the terms not computed at all. The Transformer is
nn.TransformerDecoder, which computes every step of its last layer. AdamW is torch's default; its foreach form was not tried.
"""
import json
import math
import os
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

MODEL = sys.argv[1]
BATCH = int(sys.argv[2])
SECONDS = float(sys.argv[3])
if len(sys.argv) > 4:
    torch.set_num_threads(int(sys.argv[4]))
T, D, A, H, VECTORS, TAU = 5, 768, 256, 512, 60_000, 0.07
torch.manual_seed(1)


class AMN(nn.Module):
    def __init__(self):
        super().__init__()
        self.context_encoder, self.query_encoder = nn.Linear(D, A), nn.Linear(D, A)
        self.residual_net = nn.Sequential(
            nn.Linear(2 * D, H), nn.GELU(), nn.LayerNorm(H),
            nn.Linear(H, H // 2), nn.GELU(), nn.LayerNorm(H // 2),
            nn.Linear(H // 2, D))

    def forward(self, x):
        base = x.mean(1)
        # query·(W x + b) up to the constant that the softmax does not see: one product a sequence instead of T.
        u = self.query_encoder(base) @ self.context_encoder.weight
        weights = torch.softmax(torch.bmm(x, u[:, :, None])[:, :, 0] / math.sqrt(A), -1)
        mix = torch.bmm(weights[:, None], x)[:, 0]
        return base + self.residual_net(torch.cat([base, mix], -1))


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(D, 512, 2, batch_first=True, dropout=0.2)
        self.output_proj = nn.Linear(512, D)

    def forward(self, x):
        return self.output_proj(self.lstm(x)[0][:, -1])


class GRUBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.norm = nn.GRU(512, 512, batch_first=True), nn.LayerNorm(512)

    def forward(self, x):
        return self.norm(x + self.gru(x)[0])


class GRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_proj, self.output_proj = nn.Linear(D, 512), nn.Linear(512, D)
        self.blocks = nn.Sequential(*[GRUBlock() for _ in range(4)])

    def forward(self, x):
        return self.output_proj(self.blocks(self.input_proj(x))[:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_proj = nn.Linear(D, 512)
        self.transformer_decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(512, 8, 2048, 0.1, batch_first=True), 4)
        self.head = nn.Sequential(nn.Linear(512, 512), nn.GELU(), nn.LayerNorm(512), nn.Linear(512, D))
        angle = torch.arange(T)[:, None] * torch.exp(torch.arange(0, 512, 2) * (-math.log(10_000) / 512))
        self.register_buffer('pe', torch.stack([angle.sin(), angle.cos()], -1).view(1, T, 512))
        self.register_buffer('mask', torch.full((T, T), -math.inf).triu(1))

    def forward(self, x):
        embedded = self.input_proj(x) + self.pe
        return self.head(self.transformer_decoder(embedded, embedded, self.mask, self.mask)[:, -1])


MODELS = {'amn': AMN, 'lstm': LSTM, 'gru': GRU, 'transformer': Transformer}


def losses(raw, target):
    p = F.normalize(raw, dim=-1)
    logits = p @ target.T / TAU
    labels = torch.arange(len(p))
    mse = F.mse_loss(raw, target)
    info_nce = F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)
    moment = (raw.mean(0) - target.mean(0)).pow(2).mean() + (raw.std(0) - target.std(0)).pow(2).mean()
    variance = torch.relu(1.0 - p.std(0)).mean()
    total = 0.5 * mse + 0.5 * info_nce + 1e-3 * moment + 1e-3 * variance
    with torch.no_grad():
        cosine = (p * target).sum(-1).mean()
    return total, torch.stack([mse.detach(), info_nce.detach(), moment.detach(), variance.detach(), cosine])


def main():
    vectors = F.normalize(torch.randn(VECTORS, D), dim=-1)
    offsets = torch.arange(T + 1)
    order = torch.randperm(VECTORS - T)
    net = MODELS[MODEL]()
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-4, weight_decay=0.01)
    parameters = list(net.parameters())
    at = 0
    shown = []

    def step():
        nonlocal at, order
        ids = order[at:at + BATCH]
        at += BATCH
        if at + BATCH > len(order):
            at, order = 0, torch.randperm(VECTORS - T)
        rows = vectors.index_select(0, (ids[:, None] + offsets).flatten()).view(BATCH, T + 1, D)
        x, target = rows[:, :T], rows[:, T]
        optimizer.zero_grad(set_to_none=True)
        total, figures = losses(net(x), target)
        total.backward()
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        shown.append((figures, norm))

    start = time.perf_counter()
    while time.perf_counter() - start < SECONDS / 3:
        step()
    start = time.perf_counter()
    steps = 0
    while time.perf_counter() - start < SECONDS:
        step()
        steps += 1
    elapsed = time.perf_counter() - start
    print(json.dumps({
        'rowsPerSecond': steps * BATCH / elapsed,
        'msPerStep': 1000 * elapsed / steps,
        'steps': steps,
        'torch': torch.__version__,
        'torchThreads': torch.get_num_threads(),
        'omp': os.environ.get('OMP_NUM_THREADS'),
        'openblas': os.environ.get('OPENBLAS_NUM_THREADS'),
    }))


main()
