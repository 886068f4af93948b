"""Gaussian diffusion with a learned variance (improved DDPM): 1000 linear steps, noise prediction, hybrid loss."""

import math

import numpy as np
import torch

STEPS = 1000


def alpha_bars():
    """Cumulative products of 1 - beta, float64 [1000]."""
    return np.cumprod(1 - np.linspace(1e-4, 0.02, STEPS))


class Diffusion:
    """Tables over a subset of the 1000 steps: `timesteps` are the original numbers, ascending."""

    def __init__(self, timesteps=range(STEPS)):
        self.timesteps = torch.tensor(list(timesteps))
        bars = alpha_bars()[self.timesteps.numpy()]
        previous = np.append(1.0, bars[:-1])
        betas = 1 - bars / previous
        posterior = betas * (1 - previous) / (1 - bars)
        posterior[0] = posterior[1]  # the first is zero, which has no logarithm
        tables = dict(
            signal=np.sqrt(bars),
            noise=np.sqrt(1 - bars),
            log_beta=np.log(betas),
            log_posterior=np.log(posterior),
            from_start=betas * np.sqrt(previous) / (1 - bars),
            from_noisy=(1 - previous) * np.sqrt(1 - betas) / (1 - bars),
        )
        self.tables = {k: torch.from_numpy(v).float().view(-1, 1, 1, 1) for k, v in tables.items()}

    def __getitem__(self, name):
        return self.tables[name]

    def noisy(self, x0, i, noise):
        return self["signal"][i] * x0 + self["noise"][i] * noise

    def start(self, x, i, eps):
        """The clean image that x and its noise imply."""
        return (x - self["noise"][i] * eps) / self["signal"][i]

    def posterior_mean(self, x0, x, i):
        return self["from_start"][i] * x0 + self["from_noisy"][i] * x

    def log_variance(self, values, i):
        """Network outputs in [-1, 1] choose between the posterior's variance and beta."""
        share = (values + 1) / 2
        return share * self["log_beta"][i] + (1 - share) * self["log_posterior"][i]

    def losses(self, output, x0, x, i, noise):
        """Per image: mean squared error of the noise; variational bound in bits, which trains the variance only."""
        eps, values = output.chunk(2, dim=1)
        log_variance = self.log_variance(values, i)
        mean = self.posterior_mean(self.start(x, i, eps.detach()), x, i)
        true_log_variance, true_mean = self["log_posterior"][i], self.posterior_mean(x0, x, i)
        kl = 0.5 * (
            log_variance
            - true_log_variance
            - 1
            + torch.exp(true_log_variance - log_variance)
            + (true_mean - mean).square() * torch.exp(-log_variance)
        )
        kl = kl.mean((1, 2, 3))
        first = (i == 0).nonzero().squeeze(1)
        if len(first):
            kl = kl.index_copy(
                0, first, -log_likelihood(x0[first], mean[first], log_variance[first] / 2).mean((1, 2, 3))
            )
        return (noise - eps).square().mean((1, 2, 3)), kl / math.log(2)


def log_likelihood(x, mean, log_scale):
    """Log probability of the byte that x in [-1, 1] stands for, under a Gaussian."""

    def cdf(v):
        return 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))

    inverse = torch.exp(-log_scale)
    above, below = cdf((x - mean + 1 / 255) * inverse), cdf((x - mean - 1 / 255) * inverse)
    p = torch.where(x < -0.999, above, torch.where(x > 0.999, 1 - below, above - below))
    return p.clamp(min=1e-12).log()
