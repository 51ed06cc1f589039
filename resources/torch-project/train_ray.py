"""Trains the recipe of this folder by Ray Train: python train_ray.py --workers 4 --gpu [options of train.py].

Every machine must see this folder, and the data, at the same path.
"""
import argparse
import sys
from pathlib import Path
from ray.train import ScalingConfig
from ray.train.torch import TorchTrainer


def worker(config):
    sys.path.insert(0, config["folder"])
    import train

    train.main(config["words"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Trains the recipe of this folder by Ray Train.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--gpu", action="store_true", help="one GPU a worker")
    options, words = parser.parse_known_args()
    config = {"folder": str(Path(__file__).parent.resolve()), "words": words}
    scaling = ScalingConfig(num_workers=options.workers, use_gpu=options.gpu)
    TorchTrainer(worker, train_loop_config=config, scaling_config=scaling).fit()
