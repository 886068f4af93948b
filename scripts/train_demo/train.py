"""Trains the demonstration's DiS or U-ViT on Fashion-MNIST on a CPU; continues from its checkpoint."""

import argparse
import collections
import pathlib

import torch

import fashion
import training

HERE = pathlib.Path(__file__).parent
SHAPES = {
    "dis": dict(patch_size=4, dim=96, depth=6),
    "uvit": dict(patch_size=4, dim=128, depth=2, heads=2),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", choices=training.FAMILIES)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder of the checkpoint and the log")
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="folder of the weights")
    parser.add_argument("--data", default=fashion.FOLDER)
    parser.add_argument("--steps", type=int, default=training.STEPS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=500, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def published_arguments(args):
    """The attributes, in order, of the arguments in a checkpoint of the original train.py of DiS."""
    return argparse.Namespace(
        data_path="fashion-mnist",
        results_dir="results",
        task_type="class-cond",
        dataset_type="fashion-mnist",
        resize_only=False,
        num_classes=10,
        resume=None,
        model="DiS-demo/4",
        image_size=28,
        num_workers=0,
        epochs=0,
        ckpt_every=0,
        global_batch_size=training.BATCH,
        global_seed=args.seed,
        lr=args.lr,
        min_lr=0.0,
        warmup_epochs=0,
        accum_iter=1,
        eval_steps=0,
        latent_space=False,
        vae_path=None,
    )


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    schedule = training.Schedule(args.lr, args.warmup, end=args.steps)
    images, labels = fashion.train_set(args.data)
    run = training.Training(args.family, SHAPES[args.family], args.seed, schedule, images, labels, args.work)
    run.run(until=args.steps)
    name = {"dis": "DiS-demo/4", "uvit": "U-ViT-demo/4"}[args.family]
    run.export(args.out / f"fashion-{args.family}.safetensors", architecture=name)
    if args.family == "dis":
        checkpoint = {"ema": collections.OrderedDict(run.weights()), "args": published_arguments(args)}
        training.save_atomically(lambda path: torch.save(checkpoint, path), args.out / "fashion-dis.pt")


if __name__ == "__main__":
    main()
