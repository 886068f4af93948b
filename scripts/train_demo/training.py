"""Training of small generative models on a CPU: what a step does is a function of the seed and the number of the step.

A training that was interrupted therefore goes on to the same bytes, with the same number of threads on the same machine,
and trainings with the same seed see the same images, times and noise, whatever the model.
"""

import dataclasses
import functools
import json
import math
import os
import time

import numpy as np
import torch
from safetensors.torch import save_file

import diffusion_process
import dis_model
import uvit_model

STEPS = 15_607
BATCH = 128
DROP_LABEL = 0.1
EMA = 0.999


class DiS:
    """A DiS that learns the noise and the variance of a process with 1000 steps (improved DDPM)."""

    def __init__(self, **shape):
        self.model = dis_model.DiS(**shape)
        self.model.precision = dis_model.Precision(torch.bfloat16)
        self.process = diffusion_process.Diffusion()

    def losses(self, x0, labels, time, noise):
        """The loss, and the squared error of the noise alone; `time` is in [0, 1)."""
        t = (time * diffusion_process.STEPS).long()
        x = self.process.noisy(x0, t, noise)
        mse, bound = self.process.losses(self.model(x, t, labels), x0, x, t, noise)
        return (mse + bound).mean(), mse.mean()


class UViT:
    """A U-ViT that learns the noise of the variance-preserving process with beta(t) = 0.1 + 19.9 t."""

    def __init__(self, **shape):
        self.model = uvit_model.UViT(**shape)

    def losses(self, x0, labels, time, noise):
        """The loss twice; `time` is in [0, 1)."""
        log_alpha = -0.25 * 19.9 * time**2 - 0.05 * time
        alpha, sigma = torch.exp(log_alpha), torch.sqrt(-torch.expm1(2 * log_alpha))
        x = alpha.view(-1, 1, 1, 1) * x0 + sigma.view(-1, 1, 1, 1) * noise
        with torch.autocast("cpu", torch.bfloat16):
            predicted = self.model(x, 999 * time, labels)
        mse = (noise - predicted.float()).square().mean()
        return mse, mse


FAMILIES = {"dis": DiS, "uvit": UViT}


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The learning rate rises in a straight line, then stays, or falls as half a cosine until step `end`."""

    peak: float = 2e-3
    warmup: int = 500
    end: int | None = None

    def rate(self, step):
        rate = self.peak * min(1, (step + 1) / self.warmup)
        return rate if self.end is None else rate * (0.5 + 0.5 * math.cos(math.pi * min(1, step / self.end)))


@functools.lru_cache(2)
def epoch_order(seed, epoch, count):
    return torch.from_numpy(np.random.default_rng([seed, 0, epoch]).permutation(count))


class Training:
    """A model, its optimiser and its averaged weights (over about 1000 steps, fewer at the start).

    The state lies in `folder`/state.pt. Times are stratified within a batch, gradients clipped to norm 1. `seconds` are
    those of processors.
    """

    def __init__(self, family, shape, seed, schedule, images, labels, folder, batch=BATCH):
        self.seed, self.schedule, self.batch, self.folder = seed, schedule, batch, folder
        self.images, self.labels = images, labels
        torch.manual_seed(seed)
        self.task = FAMILIES[family](**shape)
        self.parameters = list(self.task.model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=schedule.peak, weight_decay=0.0, fused=True)
        self.ema = {k: v.detach().clone() for k, v in self.task.model.state_dict().items()}
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "state.pt").exists():
            saved = torch.load(folder / "state.pt")
            self.task.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.ema, self.step, self.seconds = saved["ema"], saved["step"], saved["seconds"]

    def draw(self, step):
        """The images of a step, and their labels, times and noise."""
        per_epoch = len(self.images) // self.batch
        epoch, place = divmod(step, per_epoch)
        order = epoch_order(self.seed, epoch, len(self.images))
        index = order[place * self.batch : (place + 1) * self.batch]
        x0, labels = self.images[index], self.labels[index]
        random = np.random.default_rng([self.seed, 1, step])
        dropped = torch.from_numpy(random.random(self.batch) < DROP_LABEL)
        if self.task.model.classes is not None:
            labels = torch.where(dropped, self.task.model.classes, labels)
        time = (random.permutation(self.batch) + random.random(self.batch)) / self.batch
        noise = random.standard_normal(x0.shape, dtype=np.float32)
        return x0, labels, torch.from_numpy(time.astype(np.float32)).clamp(max=1 - 2**-24), torch.from_numpy(noise)

    def advance(self):
        """Does one step; returns the squared error of the noise."""
        loss, mse = self.task.losses(*self.draw(self.step))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.param_groups[0]["lr"] = self.schedule.rate(self.step)
        self.optimizer.step()
        self.step += 1
        weight = 1 - min(EMA, self.step / (self.step + 10))
        torch._foreach_lerp_(list(self.ema.values()), [p.detach() for p in self.parameters], weight)
        return mse.item()

    def run(self, until, save_every=180):
        """Trains until step `until`; logs every 100 steps, and saves every `save_every` seconds and at the end."""
        started, saved = time.process_time(), time.monotonic()
        before, errors = self.seconds, []
        with (self.folder / "log.jsonl").open("a", buffering=1) as log:
            while self.step < until:
                errors.append(self.advance())
                now = time.monotonic()
                self.seconds = before + time.process_time() - started
                if self.step % 100 == 0:
                    entry = dict(step=self.step, seconds=round(self.seconds, 1), mse=round(np.mean(errors), 5))
                    log.write(json.dumps(entry) + "\n")
                    errors = []
                if now - saved > save_every:
                    saved = now
                    self.save()
        self.save()

    def save(self):
        state = dict(
            model=self.task.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            ema=self.ema,
            step=self.step,
            seconds=self.seconds,
        )
        save_atomically(lambda path: torch.save(state, path), self.folder / "state.pt")

    def weights(self):
        """The averaged weights, in the order of the network."""
        return {k: v.detach().clone().contiguous() for k, v in self.ema.items()}

    def export(self, path, **about):
        """Writes the averaged weights as safetensors."""
        about = {
            "format": "pt",
            "trained_on": "Fashion-MNIST train",
            "steps": str(self.step),
            "batch": str(self.batch),
            "seed": str(self.seed),
            **about,
        }
        save_atomically(lambda scratch: save_file(self.weights(), scratch, metadata=about), path)


def save_atomically(save, path):
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    save(scratch)
    os.replace(scratch, path)
