"""The AMN training step of bench/engine.ts in PyTorch, whole loop: sampling, losses, clipping, AdamW, figures to show.

Usage: OMP_NUM_THREADS=n OPENBLAS_NUM_THREADS=m python3 bench/pytorch_amn.py BATCH SECONDS [TORCH_THREADS]
Prints one line of JSON: {"rowsPerSecond": ..., "msPerStep": ..., "steps": ...}. bench/engine.ts sweeps the thread settings.
In PyTorch's favour: the attention shortcut, windows gathered by one index_select, the two idle terms and the gradient norms
of the terms not computed at all. AdamW is torch's default; its foreach form was not tried.
"""
import json
import math
import os
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH = int(sys.argv[1])
SECONDS = float(sys.argv[2])
if len(sys.argv) > 3:
    torch.set_num_threads(int(sys.argv[3]))
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
    net = AMN()
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
