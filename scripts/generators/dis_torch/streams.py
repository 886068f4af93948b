"""The normal numbers of dis-eval, computed on the device of the model.

The numbers of a step take NumPy longer than a GPU needs for the step. These are the same operations in the same
order as in dis_eval_generator.py and Philox.swift, so that all bits are the same. They need float64, which Apple's
GPUs do not have; there, NumPy computes the numbers.
"""

import math

import torch

from dis_eval_generator import normals as numpy_normals

LOW = 0xFFFFFFFF


def normals(seed, indices, shape, step, device):
    """Returns standard normal numbers, float32 [N, *shape]: x_T for step None, or the noise of a step."""
    if device.type != "cuda":
        return torch.from_numpy(numpy_normals(seed, indices, shape, step)).to(device)
    return torch_normals(seed, indices, shape, step, device)


def torch_normals(seed, indices, shape, step, device):
    """Returns the numbers of ``normals`` by operations of PyTorch alone."""
    count = math.prod(shape)
    index = torch.as_tensor(indices, dtype=torch.int64, device=device).reshape(-1, 1)
    block = torch.arange(-(-count // 4), device=device) + torch.zeros_like(index)
    word = torch.full_like(block, 0 if step is None else 1 << 24 | step)
    c = [block, word, index & LOW, index >> 32 & LOW]
    for round in range(10):
        k = [(seed >> 32 * i) + round * add & LOW for i, add in enumerate((0x9E3779B9, 0xBB67AE85))]
        # Products wrap around, and their high words are taken without the sign.
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [b >> 32 & LOW ^ c[1] ^ k[0], b & LOW, a >> 32 & LOW ^ c[3] ^ k[1], a & LOW]
    parts = []
    for i in (0, 2):
        radius = torch.sqrt(-2.0 * _logarithm((c[i].double() + 0.5) * 2.0**-32))
        cosine, sine = _cosine_and_sine(c[i + 1].double() * 2.0**-32)
        parts += [radius * cosine, radius * sine]
    return torch.stack(parts, dim=-1).float().flatten(1)[:, :count].reshape(-1, *shape)


def _logarithm(x):
    mantissa, exponent = torch.frexp(x)
    exponent, large = exponent.double(), 2.0 * mantissa > 1.4142135623730951
    mantissa, exponent = torch.where(large, mantissa, 2.0 * mantissa), torch.where(large, exponent, exponent - 1.0)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = torch.full_like(s, 1.0 / 23.0)
    for denominator in range(21, 0, -2):
        series = series * square + 1.0 / denominator
    return exponent * 0.6931471805599453094 + 2.0 * s * series


def _cosine_and_sine(turns):
    quarters = torch.floor(turns * 4.0 + 0.5)
    angle = (turns - quarters / 4.0) * 6.2831853071795864769
    square = angle * angle
    cosine, sine = torch.ones_like(square), torch.ones_like(square)
    for k in range(9, 0, -1):
        # Division by a number might be computed as a product with its inverse.
        cosine = 1.0 - cosine * square / torch.full_like(square, (2 * k - 1) * (2 * k))
        sine = 1.0 - sine * square / torch.full_like(square, (2 * k) * (2 * k + 1))
    sine, quadrant = sine * angle, quarters.long() & 3
    is_odd, is_negative = quadrant % 2 == 1, (quadrant == 1) | (quadrant == 2)
    cosine, sine = torch.where(is_odd, sine, cosine), torch.where(is_odd, cosine, sine)
    return torch.where(is_negative, -cosine, cosine), torch.where(quadrant >= 2, -sine, sine)
