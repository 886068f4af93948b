"""The schedule, respacings, samplers and guidance of dis-eval (Sources/Diffusion), on batches of images.

The tables are computed in float64 and rounded to float32 where they meet an image, as in dis-eval.
"""

import math

import numpy as np
import torch

TRAINING_STEPS = 1000
SAMPLERS = ("ddpm", "ddim", "heun", "dpm-solver++", "dpm-solver++-sde")


def respacing(sampler, steps):
    """Returns the respacing that a number of steps means for a sampler."""
    if sampler.startswith("dpm-solver++") or (steps == 1 and sampler in ("ddim", "heun")):
        return f"dpm{steps}"
    return str(steps)


def spaced_timesteps(text):
    """Returns the timesteps of a respacing such as 250, 10,15,20, ddim50 or dpm20, ascending."""
    total = TRAINING_STEPS

    def refuse(reason):
        expected = "a number of steps such as 250, sections such as 10,15,20, ddim50 or dpm50"
        raise ValueError(f"respacing '{text}': {reason}; expected {expected}")

    def count(part):
        if not (part.isascii() and part.isdigit() and int(part) >= 1):
            refuse(f"'{part}' is no number of steps")
        return int(part)

    if text.startswith("ddim"):
        wanted = count(text[4:])
        stride = next((stride for stride in range(1, total) if -(-total // stride) == wanted), None)
        if stride is None:
            refuse(f"no integer stride gives exactly {wanted} of {total} steps")
        result = range(0, total, stride)
    elif text.startswith("dpm"):
        wanted = count(text[3:])
        if wanted > total:
            refuse(f"{total} steps cannot be divided into {wanted}")
        interval = (total - 1) / wanted
        result = [round(step * interval) for step in range(1, wanted + 1)]
    else:
        sections, result, start = [count(part) for part in text.split(",")], [], 0
        for index, wanted in enumerate(sections):
            size = total // len(sections) + (index < total % len(sections))
            if wanted > size:
                refuse(f"a section of {size} steps cannot be divided into {wanted}")
            # The position is accumulated and rounded half to even, as in the original.
            stride, position = (1 if wanted == 1 else (size - 1) / (wanted - 1)), 0.0
            for _ in range(wanted):
                result.append(start + round(position))
                position += stride
            start += size
    result = sorted(set(result))
    if result == [0]:
        refuse("a single step at timestep 0 would start from an image; use dpm1")
    return result


class Schedule:
    """The linear noise schedule over the kept timesteps; index t is 0 for the least noisy one."""

    def __init__(self, timesteps):
        full_betas = np.arange(TRAINING_STEPS) * ((0.02 - 0.0001) / (TRAINING_STEPS - 1)) + 0.0001
        full_betas[-1] = 0.02
        kept = np.cumprod(1 - full_betas)[timesteps]
        betas = 1 - kept / np.concatenate([[1.0], kept[:-1]])
        # The original multiplies the new betas instead of keeping the old products.
        alpha_bar = np.cumprod(1 - betas)
        previous = np.concatenate([[1.0], alpha_bar[:-1]])
        self.timesteps, self.betas, self.alpha_bar = timesteps, betas.tolist(), alpha_bar.tolist()
        self.previous = previous.tolist()
        self.posterior_variance = (betas * (1 - previous) / (1 - alpha_bar)).tolist()

    def level(self, t):
        """Returns alpha and sigma in x_t = alpha x0 + sigma epsilon, and log(alpha / sigma)."""
        alpha, sigma = math.sqrt(self.alpha_bar[t]), math.sqrt(1 - self.alpha_bar[t])
        return alpha, sigma, math.log(alpha / sigma)


class Guidance:
    """Classifier-free guidance at the timesteps of an interval; elsewhere the scale is 1."""

    def __init__(self, scale=1.0, channels="all", interval=(0, TRAINING_STEPS - 1)):
        self.scale, self.channels, self.interval = scale, channels, interval

    def predictions(self, timestep):
        """Returns which predictions a timestep needs: False for no class, True for the class."""
        if self.scale == 1 or not self.interval[0] <= timestep <= self.interval[1]:
            return [True]
        return [False] if self.scale == 0 and self.channels == "all" else [False, True]

    def predict(self, network, x, timestep, labels):
        """Returns the guided prediction of a network for images at one timestep."""
        kinds = self.predictions(timestep)
        if labels is not None:
            labels = torch.cat([labels if kind else torch.full_like(labels, network.classes) for kind in kinds])
        timesteps = torch.full((len(kinds) * len(x),), float(timestep), device=x.device)
        output = network(torch.cat([x] * len(kinds)), timesteps, labels)
        if len(kinds) == 1:
            return output
        base, conditional = output.chunk(2)
        count = x.shape[1] if self.channels == "all" else 3
        guided = base[:, :count] + self.scale * (conditional[:, :count] - base[:, :count])
        return torch.cat([guided, conditional[:, count:]], dim=1)


class Sampler:
    """Draws samples from predictions: `predict(x, timestep)` returns the network's output for [N, C, H, W]."""

    def __init__(self, method, schedule, prediction="epsilon", eta=0.0, clip=False):
        self.method, self.schedule, self.prediction, self.eta, self.clip = method, schedule, prediction, eta, clip

    @property
    def is_stochastic(self):
        return self.method in ("ddpm", "dpm-solver++-sde") or (self.method == "ddim" and self.eta != 0)

    def evaluated_timesteps(self):
        """Returns the timesteps at which a sample needs a prediction, in order."""
        steps = self.schedule.timesteps
        asked = ([steps[t], steps[t - 1]] if self.method == "heun" and t else [steps[t]] for t in range(len(steps)))
        return [timestep for pair in reversed(list(asked)) for timestep in pair]

    def sample(self, x, noise, predict, trace=None):
        """Returns the samples that begin with x_T. `noise(step)` returns the noise of a step, 0 the noisiest.

        `trace`, if given, is called with x after every step.
        """
        earlier, count = None, len(self.schedule.timesteps)
        for step, t in enumerate(reversed(range(count))):
            output = predict(x, self.schedule.timesteps[t])
            x0 = self.image(x, output, t)
            drawn = noise(step) if self.is_stochastic and t > 0 else None
            if self.method == "ddpm":
                x = self.ancestral_step(x, x0, output, t, drawn)
            elif self.method == "ddim":
                x = self.ddim_step(x, x0, t, drawn)
            elif self.method == "heun":
                x = self.heun_step(x, x0, t, predict)
            else:
                x = self.multistep(x, x0, t, earlier, drawn)
            earlier = x0
            if trace:
                trace(x)
        return x

    def image(self, x, output, t):
        """Returns the predicted x0, clamped if `clip` is set."""
        a, output = self.schedule.alpha_bar[t], output[:, : x.shape[1]]
        if self.prediction == "epsilon":
            x0 = math.sqrt(1 / a) * x - math.sqrt(1 / a - 1) * output
        elif self.prediction == "v":
            x0 = math.sqrt(a) * x - math.sqrt(1 - a) * output
        else:
            x0 = output
        return x0.clamp(-1, 1) if self.clip else x0

    def noise(self, x, x0, t):
        """Returns the predicted noise, which differs from the network's where x0 was clamped."""
        a = self.schedule.alpha_bar[t]
        return (math.sqrt(1 / a) * x - x0) / math.sqrt(1 / a - 1)

    def ancestral_step(self, x, x0, output, t, drawn):
        s, channels = self.schedule, x.shape[1]
        beta, previous, left = s.betas[t], s.previous[t], 1 - s.alpha_bar[t]
        mean = beta * math.sqrt(previous) / left * x0 + (1 - previous) * math.sqrt(1 - beta) / left * x
        if drawn is None:
            return mean
        if output.shape[1] == 2 * channels:  # The variance is between that of the posterior and beta.
            fraction = (output[:, channels:] + 1) / 2
            log_variance = fraction * math.log(beta) + (1 - fraction) * math.log(s.posterior_variance[t])
            return mean + torch.exp(0.5 * log_variance) * drawn
        return mean + math.sqrt(beta) * drawn

    def ddim_step(self, x, x0, t, drawn):
        # Alpha bar is rounded to float32 before it is used, as in the original.
        one, a, previous = np.float32(1), np.float32(self.schedule.alpha_bar[t]), np.float32(self.schedule.previous[t])
        sigma = np.float32(self.eta) * np.sqrt((one - previous) / (one - a)) * np.sqrt(one - a / previous)
        weight = np.sqrt(one - previous - sigma * sigma)
        x_next = float(np.sqrt(previous)) * x0 + float(weight) * self.noise(x, x0, t)
        return x_next if drawn is None else x_next + float(sigma) * drawn

    def heun_step(self, x, x0, t, predict):
        if t == 0:
            return x0
        (alpha, sigma, _), (next_alpha, next_sigma, _) = self.schedule.level(t), self.schedule.level(t - 1)
        keep, gain = next_alpha / alpha, next_sigma - next_alpha * sigma / alpha
        start = self.noise(x, x0, t)
        reached = keep * x + gain * start
        output = predict(reached, self.schedule.timesteps[t - 1])
        end = self.noise(reached, self.image(reached, output, t - 1), t - 1)
        return keep * x + gain * ((start + end) / 2)

    def multistep(self, x, x0, t, earlier, drawn):
        """One step of DPM-Solver++(2M), or with noise of its SDE variant (arXiv 2211.01095)."""
        if t == 0:
            return x0
        level, timesteps = self.schedule.level, self.schedule.timesteps
        (_, sigma, log_snr), (next_alpha, next_sigma, next_log_snr) = level(t), level(t - 1)
        h, k = next_log_snr - log_snr, 1 if drawn is None else 2
        gain, extrapolation = -next_alpha * math.expm1(-k * h), 0.0
        # The first step has no history. A step to timestep 0 is too long to extrapolate over.
        if earlier is not None and timesteps[t - 1] > 0:
            extrapolation = h / (2 * (log_snr - level(t + 1)[2]))
        x_next = next_sigma / sigma * math.exp(-(k - 1) * h) * x + gain * (1 + extrapolation) * x0
        if extrapolation:
            x_next = x_next - gain * extrapolation * earlier
        if drawn is None:
            return x_next
        return x_next + next_sigma * math.sqrt(-math.expm1(-2 * h)) * drawn


def quantized(x, quantizer):
    """Returns samples, [N, C, H, W] in [-1, 1], as bytes, [N, H, W, C]: 'dit' rounds half up, 'adm' truncates."""
    x = 127.5 * x + 128 if quantizer == "dit" else (x + 1) * 127.5
    return x.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
