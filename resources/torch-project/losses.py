"""The loss terms of a batch. raw, target [B, D] and the cosines of the prediction to its context [B, T]."""
import math
import torch
from torch.nn.functional import cross_entropy, normalize, relu


def loss_terms(raw, target, to_context, recipe):
    """Every term by its name in the recipe, without λ; None: the batch does not define it."""
    (B, D), T = raw.shape, to_context.shape[1]
    p, t = normalize(raw, dim=1), normalize(target, dim=1)
    cosine = (p * t).sum(1)
    logits = p @ t.T / recipe["tau"]
    same = torch.arange(B, device=raw.device)
    terms = {
        "mse": (raw - target).square().mean(),
        "info_nce": cross_entropy(logits, same) + cross_entropy(logits.T, same),
        "anti_copy": relu(recipe["marginAntiCopy"] - (cosine[:, None] - to_context)).mean(),
        "cosine": 1 - cosine.mean(),
    }
    terms["directional"] = terms["moment"] = terms["variance"] = None
    if T >= 2:
        terms["directional"] = relu(recipe["marginDirectional"] - (cosine - to_context[:, -2])).mean()
    if B >= 2:
        mean_gap = raw.mean(0) - target.mean(0)
        std_gap = raw.std(0) - target.std(0)
        terms["moment"] = mean_gap.square().mean() + std_gap.square().mean()
        wanted = 1 if recipe["varianceTarget"] == "one" else 1 / math.sqrt(D)
        terms["variance"] = relu(wanted - p.std(0)).mean()
    return terms


def total_loss(terms, weights):
    """Σ λ·term; a term that the batch does not define counts as 0."""
    unknown = [name for name, weight in weights.items() if weight != 0 and name not in terms]
    if unknown:
        raise ValueError(f"recipe.json has a weight for the loss term {unknown[0]!r}, which losses.py does not compute")
    return sum(weights[name] * value for name, value in terms.items() if value is not None and weights.get(name, 0) != 0)
