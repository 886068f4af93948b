"""What the training of the demonstration's two generative models has in common."""

import math
import os

import torch

STEPS = 15_607
BATCH = 128
DROP_LABEL = 0.1
EMA = 0.999


def batches(count, size):
    """Endless batches of indices, every image once an epoch."""
    while True:
        yield from torch.randperm(count).split(size)[: count // size]


def stratified(count):
    """Numbers in [0, 1), one from each of `count` equal ranges, in random order."""
    return (torch.randperm(count) + torch.rand(count)) / count


def learning_rate(peak, warmup, step, progress):
    """Rises in a straight line for `warmup` steps; falls as half a cosine over the share of training that is done."""
    return peak * min(1, (step + 1) / warmup) * (0.5 + 0.5 * math.cos(math.pi * min(1, progress)))


def average(ema, parameters, step):
    """Moves the averaged weights towards the parameters, over about 1000 steps (fewer at the start)."""
    torch._foreach_lerp_(ema, [p.detach() for p in parameters], 1 - min(EMA, step / (step + 10)))


def save_atomically(save, path):
    scratch = path.with_name(path.name + ".tmp")
    save(scratch)
    os.replace(scratch, path)
