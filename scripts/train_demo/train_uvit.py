"""Trains the demonstration U-ViT on Fashion-MNIST on a CPU, on as many images as the DiS; continues from its checkpoint."""

import argparse
import json
import pathlib
import time

import torch
from safetensors.torch import save_file

import fashion
import training
import uvit_model

HERE = pathlib.Path(__file__).parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder of the checkpoint and the log")
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="folder of fashion-uvit.safetensors")
    parser.add_argument("--data", default=fashion.FOLDER)
    parser.add_argument("--steps", type=int, default=training.STEPS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=500, help="steps")
    parser.add_argument("--save-every", type=float, default=180, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def noisy(x0, t, noise):
    """x at time t in [0, 1] of the variance-preserving process with beta(t) = 0.1 + 19.9 t."""
    log_alpha = -0.25 * 19.9 * t**2 - 0.05 * t
    alpha, sigma = torch.exp(log_alpha), torch.sqrt(-torch.expm1(2 * log_alpha))
    return alpha.view(-1, 1, 1, 1) * x0 + sigma.view(-1, 1, 1, 1) * noise


def main():
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images, labels = fashion.load("train", args.data)
    images, labels = fashion.to_float(images), labels.long()
    model = uvit_model.UViT()
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
        about = {
            "format": "pt",
            "architecture": "U-ViT-demo/4",
            "trained_on": "Fashion-MNIST train",
            "steps": str(step),
            "batch": str(training.BATCH),
            "minutes": f"{elapsed / 60:.1f}",
        }
        weights = {k: v.detach().clone().contiguous() for k, v in ema.items()}
        training.save_atomically(
            lambda p: save_file(weights, p, metadata=about), args.out / "fashion-uvit.safetensors"
        )

    log = (args.work / "log.jsonl").open("a", buffering=1)
    order, total, counted, saved_at = training.batches(len(images), training.BATCH), 0.0, 0, elapsed
    started = time.monotonic() - elapsed
    while step < args.steps:
        index = next(order)
        x0, y = images[index], labels[index]
        y = torch.where(torch.rand(len(y)) < training.DROP_LABEL, model.classes, y)
        t, noise = training.stratified(len(y)), torch.randn_like(x0)
        with torch.autocast("cpu", torch.bfloat16):
            predicted = model(noisy(x0, t, noise), 999 * t, y)
        loss = (noise - predicted.float()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        rate = training.learning_rate(args.lr, args.warmup, step, step / args.steps)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        step += 1
        training.average(list(ema.values()), parameters, step)
        elapsed = time.monotonic() - started
        total += loss.item()
        counted += 1
        if step % 100 == 0:
            entry = dict(step=step, seconds=round(elapsed, 1), mse=round(total / counted, 5), lr=round(rate, 7))
            log.write(json.dumps(entry) + "\n")
            total, counted = 0.0, 0
        if elapsed - saved_at > args.save_every:
            saved_at = elapsed
            save()
    save()


if __name__ == "__main__":
    main()
