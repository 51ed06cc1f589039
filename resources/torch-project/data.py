"""Windows of a stored data set by memory map, and the order in which an epoch visits them."""
from pathlib import Path
import numpy as np
import torch


class Windows:
    """T context vectors and the target of each window. A copy of the store beside this program goes before the store."""

    def __init__(self, project, name):
        stored = project[name]
        copy = Path(__file__).parent / name
        folder = copy if copy.is_dir() else Path(stored["folder"])
        T, D = project["model"]["T"], project["model"]["D"]
        dtype = {"float32": "<f4", "float16": "<f2"}[stored["dtype"]]
        self.vectors = np.memmap(folder / "vectors.bin", dtype, "r", shape=(stored["vectors"], D))
        self.index = np.memmap(folder / "windows.bin", "<u4", "r", shape=(stored["windows"], T + 1))

    def batch(self, ids, device):
        """Contexts [B, T, D] and targets [B, D] as float32."""
        rows = np.asarray(self.vectors[self.index[ids]], dtype=np.float32)
        rows = torch.from_numpy(rows).to(device)
        return rows[:, :-1], rows[:, -1]


def window_ids(name):
    """Window ids of a side of the split, as Nextvec drew it."""
    return np.fromfile(Path(__file__).parent / name, "<u4")


WORD = 0xFFFFFFFF


def random_words(seed, purpose, index):
    """Nextvec's random numbers: xoshiro128** seeded through SplitMix32, one stream for each purpose and epoch."""
    x = 0x811C9DC5 ^ (seed & WORD)
    for byte in f"{purpose}:{index}".encode():
        x = ((x ^ byte) * 0x01000193) & WORD
    x = ((x ^ (seed >> 32)) * 0x01000193) & WORD
    s = []
    for _ in range(4):
        x = (x + 0x9E3779B9) & WORD
        z = ((x ^ (x >> 16)) * 0x85EBCA6B) & WORD
        z = ((z ^ (z >> 13)) * 0xC2B2AE35) & WORD
        s.append(z ^ (z >> 16))
    a, b, c, d = s
    while True:
        m = (b * 5) & WORD
        yield ((((m << 7) | (m >> 25)) & WORD) * 9) & WORD
        t = (b << 9) & WORD
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        d = ((d << 11) | (d >> 21)) & WORD


def epoch_order(ids, seed, epoch):
    """Training windows in the order of Nextvec's epoch (1-based): a Fisher-Yates shuffle, about 1 s a million windows."""
    order, words = ids.tolist(), random_words(seed, "shuffle", epoch)
    for i in range(len(order) - 1, 0, -1):
        limit = 2**32 - 2**32 % (i + 1)
        word = next(words)
        while word >= limit:
            word = next(words)
        j = word % (i + 1)
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.uint32)
