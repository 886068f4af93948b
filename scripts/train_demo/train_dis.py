"""Trains the demonstration DiS on Fashion-MNIST on a CPU, for a given time; continues from its checkpoint.

The learning rate follows the share of the time that has passed, so a busy machine does fewer steps but still decays it.
"""

import argparse
import collections
import json
import pathlib
import time

import torch
from safetensors.torch import save_file

import diffusion_process
import dis_model
import fashion
import training

HERE = pathlib.Path(__file__).parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder of the checkpoint and the log")
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="folder of fashion-dis.safetensors and .pt")
    parser.add_argument("--data", default=fashion.FOLDER)
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=training.BATCH)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=500, help="steps")
    parser.add_argument("--save-every", type=float, default=180, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def stratified_timesteps(count):
    """Uniform timesteps, one from each of `count` equal ranges, in random order."""
    return (training.stratified(count) * diffusion_process.STEPS).long()


def published_arguments(args):
    """The attributes, in order, of the arguments in a checkpoint of the original train.py."""
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
        global_batch_size=args.batch,
        global_seed=args.seed,
        lr=args.lr,
        min_lr=0.0,
        warmup_epochs=0,
        accum_iter=1,
        eval_steps=0,
        latent_space=False,
        vae_path=None,
    )


def export(args, ema, step, elapsed):
    """Writes the averaged weights in the two formats."""
    state = collections.OrderedDict((k, v.detach().clone().contiguous()) for k, v in ema.items())
    about = {
        "format": "pt",
        "architecture": "DiS-demo/4",
        "trained_on": "Fashion-MNIST train",
        "steps": str(step),
        "batch": str(args.batch),
        "minutes": f"{elapsed / 60:.1f}",
    }
    training.save_atomically(lambda p: save_file(state, p, metadata=about), args.out / "fashion-dis.safetensors")
    training.save_atomically(
        lambda p: torch.save({"ema": state, "args": published_arguments(args)}, p), args.out / "fashion-dis.pt"
    )


def main():
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images, labels = fashion.load("train", args.data)
    images, labels = fashion.to_float(images), labels.long()
    process = diffusion_process.Diffusion()
    model = dis_model.DiS()
    model.precision = dis_model.Precision(torch.bfloat16)
    parameters = list(model.parameters())
    ema = {k: v.detach().clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.AdamW(parameters, lr=args.lr, weight_decay=0.0, fused=True)
    step, elapsed = 0, 0.0
    checkpoint = args.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        ema, step, elapsed = saved["ema"], saved["step"], saved["elapsed"]
        torch.manual_seed(args.seed + step)

    def save():
        state = dict(model=model.state_dict(), optimizer=optimizer.state_dict(), ema=ema, step=step, elapsed=elapsed)
        training.save_atomically(lambda p: torch.save(state, p), checkpoint)
        export(args, ema, step, elapsed)

    log = (args.work / "log.jsonl").open("a", buffering=1)
    order, sums, counted, saved_at = training.batches(len(images), args.batch), torch.zeros(3), 0, elapsed
    started = time.monotonic() - elapsed
    while elapsed < 60 * args.minutes:
        index = next(order)
        x0, y = images[index], labels[index]
        y = torch.where(torch.rand(len(y)) < training.DROP_LABEL, model.classes, y)
        t, noise = stratified_timesteps(len(y)), torch.randn_like(x0)
        x = process.noisy(x0, t, noise)
        mse, bound = process.losses(model(x, t, y), x0, x, t, noise)
        optimizer.zero_grad()
        (mse + bound).mean().backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        rate = training.learning_rate(args.lr, args.warmup, step, elapsed / (60 * args.minutes))
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        step += 1
        training.average(list(ema.values()), parameters, step)
        elapsed = time.monotonic() - started
        sums += torch.stack([mse.mean(), bound.mean(), norm]).detach()
        counted += 1
        if step % 100 == 0:
            mean = [round(v, 5) for v in (sums / counted).tolist()]
            log.write(
                json.dumps(
                    dict(
                        step=step,
                        seconds=round(elapsed, 1),
                        mse=mean[0],
                        bound=mean[1],
                        norm=mean[2],
                        lr=round(rate, 7),
                    )
                )
                + "\n"
            )
            sums, counted = torch.zeros(3), 0
        if elapsed - saved_at > args.save_every:
            saved_at = elapsed
            save()
    save()


if __name__ == "__main__":
    main()
