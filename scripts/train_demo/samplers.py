"""DDPM (respaced), DDIM and DPM-Solver++(2M) with classifier-free guidance."""

import math

import numpy as np
import torch

import diffusion_process


def respaced(count):
    """`count` of the 1000 timesteps, evenly spread and with both ends; the fractional stride is accumulated."""
    stride, at, steps = (diffusion_process.STEPS - 1) / (count - 1), 0.0, []
    for _ in range(count):
        steps.append(round(at))
        at += stride
    return steps


def without_zero(count):
    """`count` of the 1000 timesteps, evenly spread, 999 / count to 999: the last step goes to the clean image."""
    return [round(t) for t in np.linspace(0, diffusion_process.STEPS - 1, count + 1)[1:]]


def log_snr_spaced(count):
    """`count` timesteps, evenly spread in log(signal / noise), from 999; the last step goes to the clean image."""
    bars = diffusion_process.alpha_bars()
    half_log_snr = 0.5 * np.log(bars / (1 - bars))
    targets = np.linspace(half_log_snr[-1], half_log_snr[0], count + 1)[:-1]
    return [round(t) for t in np.interp(targets, half_log_snr[::-1], np.arange(diffusion_process.STEPS)[::-1])[::-1]]


def guided(model, scale):
    """The network with guidance: its noise is uncond + scale (cond - uncond), its variance the conditional one."""

    def run(x, timestep, labels):
        t = torch.full((len(x),), int(timestep))
        if scale == 1:
            return model(x, t, labels).chunk(2, dim=1)
        none = torch.full_like(labels, model.classes)
        eps, values = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([labels, none])).chunk(2, dim=1)
        cond, uncond = eps.chunk(2)
        return uncond + scale * (cond - uncond), values[: len(x)]

    return run


def ddpm(network, x, labels, timesteps):
    """Ancestral sampling with the learned variance."""
    process = diffusion_process.Diffusion(timesteps)
    for i in reversed(range(len(timesteps))):
        eps, values = network(x, timesteps[i], labels)
        mean = process.posterior_mean(process.start(x, i, eps), x, i)
        x = mean + torch.exp(process.log_variance(values, i) / 2) * torch.randn_like(x) if i else mean
    return x


def ddim(network, x, labels, timesteps):
    """Deterministic sampling (eta 0)."""
    process = diffusion_process.Diffusion(timesteps)
    for i in reversed(range(len(timesteps))):
        eps, _ = network(x, timesteps[i], labels)
        x0 = process.start(x, i, eps)
        x = process.noisy(x0, i - 1, eps) if i else x0
    return x


def dpm_solver(network, x, labels, timesteps):
    """DPM-Solver++(2M), second order in the clean image.

    The first step has no history and is of first order; so is a step to timestep 0, too long to extrapolate over.
    """
    bars = diffusion_process.alpha_bars()[list(timesteps)]
    signal, noise = np.sqrt(bars), np.sqrt(1 - bars)
    log_snr = np.log(signal / noise)
    previous = None
    for i in reversed(range(len(timesteps))):
        eps, _ = network(x, timesteps[i], labels)
        x0 = (x - noise[i] * eps) / signal[i]
        if i == 0:
            return x0
        h = log_snr[i - 1] - log_snr[i]
        d = x0
        if previous is not None and timesteps[i - 1] > 0:
            d = x0 + (x0 - previous) * (h / (log_snr[i] - log_snr[i + 1]) / 2)
        x = noise[i - 1] / noise[i] * x - signal[i - 1] * math.expm1(-h) * d
        previous = x0


SAMPLERS = {"ddpm": ddpm, "ddim": ddim, "dpm": dpm_solver}
SPACINGS = {"respaced": respaced, "without-zero": without_zero, "log-snr": log_snr_spaced}
