"""Autograd functions over the C++ kernels of mixer_ops.cpp, and the same mathematics in plain PyTorch."""

import functools
import pathlib

import torch
import torch.nn.functional as F
from torch.utils.cpp_extension import load


@functools.cache
def kernels():
    """Compiles mixer_ops.cpp on first use (PyTorch caches the build; TORCH_EXTENSIONS_DIR says where)."""
    flags = [
        "-O3",
        "-march=native",
        "-fopenmp",
        "-ffp-contract=fast",
        "-ffinite-math-only",
        "-fno-signed-zeros",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-std=c++20",
    ]
    source = pathlib.Path(__file__).with_name("mixer_ops.cpp")
    return load("dis_mixer_ops", [str(source)], extra_cflags=flags, extra_ldflags=["-fopenmp"])


class AddRmsNorm(torch.autograd.Function):
    """(hidden or None, residual, weight) -> (normed, residual + hidden); the residual is float32."""

    @staticmethod
    def forward(ctx, hidden, residual, weight, eps, dtype):
        normed, total, scale = kernels().add_rms_norm(hidden, residual, weight, eps, dtype == torch.bfloat16)
        ctx.save_for_backward(total, weight, scale)
        ctx.with_hidden = hidden is not None
        return normed, total

    @staticmethod
    def backward(ctx, d_normed, d_total):
        total, weight, scale = ctx.saved_tensors
        d_residual, d_hidden, d_weight = kernels().add_rms_norm_backward(
            d_normed.contiguous(), d_total, total, weight, scale, ctx.with_hidden
        )
        return d_hidden if ctx.with_hidden else None, d_residual, d_weight, None, None


class BidirectionalScan(torch.autograd.Function):
    """Convolution, projections, selective scan and gate of both directions: [B, L, 2 Di] -> [B, L, Di].

    Parameters of the two directions are stacked in a leading dimension of size 2.
    """

    @staticmethod
    def forward(ctx, xz, conv_weight, conv_bias, x_proj, dt_weight, dt_bias, a, d):
        ops, (batch, tokens, _) = kernels(), xz.shape
        u = ops.conv_silu(xz, conv_weight, conv_bias)
        x_proj = x_proj.to(xz.dtype)
        proj = torch.bmm(u.view(2, batch * tokens, -1), x_proj.transpose(1, 2))
        ctx.save_for_backward(xz, u, proj, conv_weight, conv_bias, x_proj, dt_weight, dt_bias, a, d)
        return ops.scan(xz, u, proj, dt_weight, dt_bias, a, d)

    @staticmethod
    def backward(ctx, d_out):
        xz, u, proj, conv_weight, conv_bias, x_proj, dt_weight, dt_bias, a, d = ctx.saved_tensors
        ops, d_xz = kernels(), torch.empty_like(xz)
        d_u, d_proj, d_dt_weight, d_dt_bias, d_a, d_d = ops.scan_backward(
            d_out.contiguous(), xz, u, proj, dt_weight, dt_bias, a, d, d_xz
        )
        d_x_proj = torch.bmm(d_proj.transpose(1, 2), u.flatten(1, 2)).float()
        d_u.flatten(1, 2).baddbmm_(d_proj, x_proj)
        d_conv_weight, d_conv_bias = ops.conv_silu_backward(d_u, xz, conv_weight, conv_bias, d_xz)
        return d_xz, d_conv_weight, d_conv_bias, d_x_proj, d_dt_weight, d_dt_bias, d_a, d_d


def plain_add_rms_norm(hidden, residual, weight, eps, dtype):
    """AddRmsNorm in plain PyTorch."""
    total = residual if hidden is None else residual + hidden
    return (total * torch.rsqrt(total.square().mean(-1, keepdim=True) + eps) * weight).to(dtype), total


def plain_bidirectional_scan(xz, conv_weight, conv_bias, x_proj, dt_weight, dt_bias, a, d):
    """BidirectionalScan in plain PyTorch, any floating type; slow."""
    tokens, inner = xz.shape[1], xz.shape[2] // 2
    rank, states = dt_weight.shape[2], a.shape[2]
    out = 0
    for i in range(2):
        x, z = (xz.flip(1) if i else xz).split(inner, dim=2)
        u = F.pad(x.transpose(1, 2), (conv_weight.shape[2] - 1, 0))
        u = F.silu(F.conv1d(u, conv_weight[i].unsqueeze(1), conv_bias[i], groups=inner)).transpose(1, 2)
        dt, b, c = F.linear(u, x_proj[i]).split([rank, states, states], dim=2)
        delta = F.softplus(F.linear(dt, dt_weight[i], dt_bias[i]))
        h, rows = 0, []
        for t in range(tokens):
            h = torch.exp(delta[:, t, :, None] * a[i]) * h + (delta[:, t] * u[:, t])[:, :, None] * b[:, t, None, :]
            rows.append((h * c[:, t, None, :]).sum(-1) + d[i] * u[:, t])
        y = torch.stack(rows, dim=1) * F.silu(z)
        out = out + (y.flip(1) if i else y)
    return out
