"""Trains the recipe of this folder: python train.py, or torchrun train.py for several processes. See README.md.

The losses do not depend on the number of processes: each takes a part of every batch, and the loss is that of all rows.
"""
import argparse
import csv
import json
import math
import os
import time
from pathlib import Path
import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch.nn.functional import cosine_similarity, normalize
from torch.nn.parallel import DistributedDataParallel
from data import Windows, epoch_order, window_ids
from losses import loss_terms, total_loss
from models import build

FOLDER = Path(__file__).parent
STEP_COLUMNS = ["step", "lr", "total", "grad_norm"]
TERM_COLUMNS = ["mse", "info_nce", "moment", "variance", "directional", "anti_copy", "cosine"]


class Run:
    def __init__(self, options):
        self.options = options
        self.rank, self.processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        gpu = int(os.environ.get("LOCAL_RANK", 0)) % max(1, torch.cuda.device_count())
        self.device = torch.device(f"cuda:{gpu}" if torch.cuda.is_available() else "cpu")

        self.project = json.loads((FOLDER / "project.json").read_text("utf-8"))
        self.recipe = json.loads((FOLDER / "recipe.json").read_text("utf-8"))["recipe"]
        self.windows = Windows(self.project, "data")
        self.ood = Windows(self.project, "ood") if self.project["ood"] else None
        self.train_ids, self.validation_ids = window_ids("train.bin"), window_ids("validation.bin")

        self.network = build(**self.project["model"]).to(self.device)
        self.network.load_state_dict(load_file(FOLDER / "initial.safetensors"))
        self.model = DistributedDataParallel(self.network) if self.processes > 1 else self.network
        settings = {"lr": self.recipe["lr"], "weight_decay": self.recipe["weightDecay"]}
        self.optimizer = torch.optim.AdamW(self.network.parameters(), **settings)
        self.scheduler = self.make_scheduler(self.recipe["schedule"])
        self.history, self.best = [], None
        self.out = FOLDER / options.out
        self.out.mkdir(exist_ok=True, parents=True)
        if options.resume:
            last = torch.load(self.out / "last.pt", map_location=self.device, weights_only=True)
            for name in ("network", "optimizer", "scheduler"):
                getattr(self, name).load_state_dict(last[name])
            self.history, self.best = last["history"], last["best"]

    def make_scheduler(self, schedule):
        """Plateau: one call an epoch, with the validation loss. The others: one call a step."""
        if schedule["kind"] == "plateau":
            settings = {name: schedule[name] for name in ("factor", "patience", "threshold")}
            return torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, **settings)
        steps_per_epoch = math.ceil(len(self.train_ids) / self.recipe["batchSize"])
        steps = self.recipe["epochs"] * steps_per_epoch

        def factor(done):
            if schedule["kind"] == "constant":
                return 1.0
            warm_up = round(schedule["warmUp"] * steps_per_epoch)
            if done < warm_up:
                return (done + 1) / (warm_up + 1)
            cosine = math.cos(math.pi * (done - warm_up) / (steps - warm_up))
            return schedule["floor"] + (1 - schedule["floor"]) * (1 + cosine) / 2

        return torch.optim.lr_scheduler.LambdaLR(self.optimizer, factor)

    def train(self):
        for epoch in range(len(self.history) + 1, (self.options.epochs or self.recipe["epochs"]) + 1):
            started = time.monotonic()
            record = {"epoch": epoch, **self.train_epoch(epoch)}
            record["val_loss"], record["val_cosine"] = self.evaluate(self.windows, self.validation_ids)
            if self.ood:
                record["ood_loss"], record["ood_cosine"] = self.evaluate(self.ood, range(len(self.ood.index)))
            record["duration_ms"] = 1000 * (time.monotonic() - started)
            self.close_epoch(record)
            if self.has_stalled():
                break

    def train_epoch(self, epoch):
        """Means over the rows of the epoch."""
        size = self.recipe["batchSize"]
        order = epoch_order(self.train_ids, self.recipe["seed"], epoch)
        sums, rows, steps = {}, 0, []
        for step, start in enumerate(range(0, len(order), size)):
            if step == self.options.max_steps:
                break
            ids = order[start : start + size]
            lr = self.optimizer.param_groups[0]["lr"]
            figures = self.train_step(ids)
            if not isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                self.scheduler.step()
            for name, value in figures.items():
                sums[name] = sums.get(name, 0) + value.double() * len(ids)
            rows += len(ids)
            if self.options.log_steps:
                steps.append({"step": step + 1, "lr": lr, **figures})
        if self.options.log_steps and self.rank == 0:
            self.write_steps(epoch, steps)
        means = {name: (value / rows).item() for name, value in sums.items()}
        cosine = 1 - means["cosine"]
        return {"train_loss": means["total"], "train_cosine": cosine, "lr": lr, "grad_norm": means["grad_norm"]}

    def train_step(self, ids):
        """One step of AdamW on the windows `ids`, of which this process takes an equal part."""
        share = math.ceil(len(ids) / self.processes)
        # Parts are equally long: the last window is repeated, and cut off again once the rows are together.
        mine = ids.take(np.arange(self.rank * share, (self.rank + 1) * share), mode="clip")
        contexts, target = self.windows.batch(mine, self.device)
        raw = self.model(contexts)
        to_context = torch.einsum("bd,btd->bt", normalize(raw, dim=1), normalize(contexts, dim=2))
        rows = self.gather(torch.cat([raw, target, to_context], 1))[: len(ids)]
        terms = loss_terms(*rows.split([raw.shape[1], target.shape[1], to_context.shape[1]], 1), self.recipe)
        total = total_loss(terms, self.recipe["lambda"])
        self.optimizer.zero_grad()
        # DistributedDataParallel averages the gradients of the processes; that of the batch is their sum.
        (total * self.processes).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe["clip"] or math.inf)
        self.optimizer.step()
        measured = {"total": total, "grad_norm": norm, **terms}
        return {name: value.detach() for name, value in measured.items() if value is not None}

    def gather(self, rows):
        """The rows of all processes in order; only this process's own carry a gradient."""
        if self.processes == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.processes)]
        dist.all_gather(parts, rows.detach())
        parts[self.rank] = rows
        return torch.cat(parts)

    @torch.no_grad()
    def evaluate(self, windows, ids, rows=1024):
        """Mean of (unit prediction - target)² and mean cosine over the windows `ids`."""
        self.network.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=self.device)
        mine = ids[self.rank :: self.processes]
        for start in range(0, len(mine), rows):
            contexts, target = windows.batch(mine[start : start + rows], self.device)
            raw = self.network(contexts)
            sums[0] += (normalize(raw, dim=1) - target).square().mean(1).double().sum()
            sums[1] += cosine_similarity(raw, target).double().sum()
        if self.processes > 1:
            dist.all_reduce(sums)
        self.network.train()
        return (sums / len(ids)).tolist()

    def close_epoch(self, record):
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(record["val_loss"])
        self.history.append(record)
        if self.best is None or record["val_loss"] < self.best["val_loss"]:
            weights = {name: tensor.cpu().clone() for name, tensor in self.network.state_dict().items()}
            self.best = {"model_state_dict": weights, **{k: record[k] for k in ("epoch", "val_loss", "val_cosine")}}
        if self.rank == 0:
            print("  ".join(f"{name} {value:.6g}" for name, value in record.items()), flush=True)
            self.save()

    def save(self):
        """best.pt, for nextvec import-run, with the history of all epochs; last.pt, for --resume."""
        args = {name: value_at(self.recipe, path) for name, path in self.project["args"].items()}
        args |= {"context_length": self.project["model"]["T"], "heads": self.project["model"].get("heads")}
        states = {name: getattr(self, name).state_dict() for name in ("network", "optimizer", "scheduler")}
        best = {**self.best, "args": args, "history": self.history}
        for name, content in (("best", best), ("last", {**states, "best": self.best, "history": self.history})):
            torch.save(content, self.out / f"{name}.tmp")
            os.replace(self.out / f"{name}.tmp", self.out / f"{name}.pt")

    def write_steps(self, epoch, steps):
        with open(self.out / f"steps-{epoch}.csv", "w", newline="") as file:
            log = csv.DictWriter(file, [*STEP_COLUMNS, *TERM_COLUMNS])
            log.writeheader()
            for figures in steps:
                log.writerow({name: value.item() if torch.is_tensor(value) else value for name, value in figures.items()})

    def has_stalled(self):
        """Early stopping: no gain of cosine for as many epochs as the recipe allows."""
        stopping, best, bad_epochs = self.recipe["earlyStopping"], -math.inf, 0
        if stopping["on"] == "off":
            return False
        for record in self.history:
            cosine = record["ood_cosine" if stopping["on"] == "ood" else "val_cosine"]
            has_gained = cosine > best + stopping["minGain"]
            best, bad_epochs = (cosine, 0) if has_gained else (best, bad_epochs + 1)
        return bad_epochs >= stopping["patience"]


def value_at(recipe, path):
    for key in path.split("."):
        recipe = recipe[key]
    return recipe


def main(words=None):
    parser = argparse.ArgumentParser(description="Trains the recipe of this folder.")
    parser.add_argument("--out", default="out", help="folder for best.pt and last.pt")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--resume", action="store_true", help="go on after the last whole epoch")
    parser.add_argument("--max-steps", type=int, help="end each epoch after this many steps")
    parser.add_argument("--log-steps", action="store_true", help="write the losses of each step to steps-EPOCH.csv")
    options = parser.parse_args(words)
    is_torchrun = "RANK" in os.environ and not dist.is_initialized()  # Ray has initialised the processes itself
    if is_torchrun:
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    Run(options).train()
    if is_torchrun:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
