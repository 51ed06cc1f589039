"""The training step of bench/engine.ts and bench/gpu.ts in PyTorch, whole loop: sampling, losses, clipping, AdamW, figures.

Usage: OMP_NUM_THREADS=n OPENBLAS_NUM_THREADS=m python3 bench/pytorch_training.py MODEL BATCHES SECONDS
       [--threads N] [--device cpu|cuda|mps] [--mode eager|compile|graphs]
MODEL is amn, lstm, gru or transformer; BATCHES is one size or several with commas. Prints one line of JSON a size:
{"batch": ..., "rowsPerSecond": ..., "msPerStep": ..., "steps": ...}, or {"batch": ..., "error": ...}.
"compile" compiles network and losses with torch.compile; "graphs" replays the whole step as one CUDA graph. float32 throughout,
TF32 off. In PyTorch's favour: AMN's attention shortcut, windows gathered by one index_select, the two idle terms and the
gradient norms of the terms not computed at all, fused AdamW on CUDA. The Transformer is nn.TransformerDecoder, which computes
every step of its last layer. On the CPU AdamW is torch's default.
"""
import argparse
import json
import math
import os
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument('model', choices=['amn', 'lstm', 'gru', 'transformer'])
parser.add_argument('batches', type=lambda text: [int(size) for size in text.split(',')])
parser.add_argument('seconds', type=float)
parser.add_argument('--threads', type=int)
parser.add_argument('--device', default='cpu', choices=['cpu', 'cuda', 'mps'])
parser.add_argument('--mode', default='eager', choices=['eager', 'compile', 'graphs'])
OPTIONS = parser.parse_args()
if OPTIONS.threads:
    torch.set_num_threads(OPTIONS.threads)
DEVICE = torch.device(OPTIONS.device)
torch.backends.cudnn.allow_tf32 = False
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
    labels = torch.arange(len(p), device=p.device)
    mse = F.mse_loss(raw, target)
    info_nce = F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)
    moment = (raw.mean(0) - target.mean(0)).pow(2).mean() + (raw.std(0) - target.std(0)).pow(2).mean()
    variance = torch.relu(1.0 - p.std(0)).mean()
    total = 0.5 * mse + 0.5 * info_nce + 1e-3 * moment + 1e-3 * variance
    with torch.no_grad():
        cosine = (p * target).sum(-1).mean()
    return total, torch.stack([mse.detach(), info_nce.detach(), moment.detach(), variance.detach(), cosine])


def synchronize():
    if OPTIONS.device == 'cuda':
        torch.cuda.synchronize()
    elif OPTIONS.device == 'mps':
        torch.mps.synchronize()


class Training:
    """A model, its optimizer and shuffled windows, for steps of `batch` rows."""

    def __init__(self, batch):
        self.batch = batch
        self.vectors = F.normalize(torch.randn(VECTORS, D), dim=-1).to(DEVICE)
        self.offsets = torch.arange(T + 1, device=DEVICE)
        self.order, self.at = torch.randperm(VECTORS - T, device=DEVICE), 0
        self.net = MODELS[OPTIONS.model]().to(DEVICE)
        self.parameters = list(self.net.parameters())
        on_cuda = {'fused': True, 'capturable': OPTIONS.mode == 'graphs'} if OPTIONS.device == 'cuda' else {}
        self.optimizer = torch.optim.AdamW(self.parameters, lr=5e-4, weight_decay=0.01, **on_cuda)
        self.forward = lambda x, target: losses(self.net(x), target)
        if OPTIONS.mode == 'compile':
            self.forward = torch.compile(self.forward)
        self.step = self.captured() if OPTIONS.mode == 'graphs' else lambda: self.train(self.next_ids())

    def next_ids(self):
        ids = self.order[self.at:self.at + self.batch]
        self.at += self.batch
        if self.at + self.batch > len(self.order):
            self.at, self.order = 0, torch.randperm(VECTORS - T, device=DEVICE)
        return ids

    def train(self, ids):
        rows = self.vectors.index_select(0, (ids[:, None] + self.offsets).flatten()).view(len(ids), T + 1, D)
        self.optimizer.zero_grad(set_to_none=True)
        total, figures = self.forward(rows[:, :T], rows[:, T])
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        return figures, norm

    def captured(self):
        """The step as one CUDA graph that reads its ids from a fixed tensor."""
        ids = self.next_ids().clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.train(ids)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            figures, norm = self.train(ids)

        def step():
            ids.copy_(self.next_ids())
            graph.replay()
            return figures.clone(), norm.clone()
        return step


def measure(batch):
    step = Training(batch).step
    shown = []
    start = time.perf_counter()
    while True:
        shown.append(step())
        synchronize()
        if time.perf_counter() - start > OPTIONS.seconds / 3:
            break
    start = time.perf_counter()
    steps = 0
    while time.perf_counter() - start < OPTIONS.seconds:
        shown.append(step())
        steps += 1
    synchronize()
    elapsed = time.perf_counter() - start
    return {
        'rowsPerSecond': steps * batch / elapsed,
        'msPerStep': 1000 * elapsed / steps,
        'steps': steps,
        'torch': torch.__version__,
        'torchThreads': torch.get_num_threads(),
        'omp': os.environ.get('OMP_NUM_THREADS'),
        'openblas': os.environ.get('OPENBLAS_NUM_THREADS'),
    }


for size in OPTIONS.batches:
    try:
        result = measure(size)
    except Exception as error:
        result = {'error': f'{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ""}'}
    print(json.dumps({'batch': size, **result}), flush=True)
