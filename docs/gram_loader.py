"""A Gram mixture that Nextvec exported as safetensors, in PyTorch. Needs torch and safetensors; gram_parts.py too if earlier runs are among its parts.

GramMixture(load_file("run-7.safetensors"))(contexts) gives raw [B, D] for contexts [B, T, D]; the prediction is the direction of raw.
python3 gram_loader.py run-7.safetensors run-7-golden.safetensors prints the largest difference to the golden output.
"""
import sys
import torch
from safetensors.torch import load_file
from torch.nn.functional import gelu, linear, normalize


class GramMixture(torch.nn.Module):
    def __init__(self, tensors):
        super().__init__()
        self.extras = []
        if any(name.startswith("extras.") for name in tensors):
            from gram_parts import trained_models
            self.extras = trained_models(tensors).eval()
        for name in (name for name in tensors if not name.startswith("extras.")):
            self.register_buffer(name.replace(".", "_"), tensors[name])
        self.neighbours = [(int(count), tau) for count, tau in self.settings_neighbours.tolist()]
        self.gates = sum(name.startswith("gates.") and name.endswith(".0.bias") for name in tensors)

    def maps(self, name, x):
        return [linear(x, getattr(self, f"{name}_{i}_weight")) for i in range(len(getattr(self, f"settings_{name}")))]

    def nearest(self, p):  # means over the targets of the training windows most similar to p [B, D]
        query = normalize(p - torch.outer(p @ self.mean / (self.mean @ self.mean), self.mean), dim=1, eps=1e-8)
        similarity = query @ self.keys.T
        for count, tau in self.neighbours:
            top, position = similarity.topk(min(count, len(self.keys)))
            yield torch.einsum("bk,bkd->bd", torch.softmax(top / tau, 1), self.values[position])

    def parts(self, contexts):  # [B, K, D]
        x = normalize(contexts, dim=2, eps=1e-8)
        p, last = torch.einsum("t,btd->bd", self.position_weights, x), x[:, -1]
        parts = [*x.unbind(1), self.mean.expand_as(p), *self.maps("ridges", p)]
        parts += [*self.maps("pooled_ridges", torch.cat([p, last], 1)), *self.nearest(p)]
        parts += [*self.maps("filters", p), *self.maps("filters", last)]
        return torch.stack(parts + [normalize(model(contexts)) for model in self.extras], 1)

    def gate(self, g, z):
        w1, b1, w2, b2 = (getattr(self, f"gates_{g}_{name}") for name in ("0_weight", "0_bias", "2_weight", "2_bias"))
        return linear(gelu(linear(z, w1, b1)), w2, b2)

    def coefficients(self, parts):  # [B, K]
        row, column = torch.triu_indices(parts.shape[1], parts.shape[1], device=parts.device)
        gram = (parts @ parts.mT)[:, row, column]
        z = ((gram - self.gate_mean) / self.gate_std).clamp(-3, 3)  # 0 where the standard deviation is infinite
        return self.start + 0.3 * self.scale * sum(self.gate(g, z) for g in range(self.gates)) / self.gates

    def forward(self, contexts):
        parts = self.parts(contexts)
        return torch.einsum("bk,bkd->bd", self.coefficients(parts), parts)


if __name__ == "__main__":
    golden = load_file(sys.argv[2])
    raw = GramMixture(load_file(sys.argv[1]))(golden["contexts"])
    print(f"{(raw - golden['raw']).abs().max().item():.1e}")
