"""DiS, a diffusion model whose backbone is a bidirectional Mamba (arXiv 2402.05608), on a CPU.

Parameter names, shapes and mathematics are those of the published model; the kernels (mixer_ops) are our own.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

import mixer_ops

STATES = 16
TAPS = 4


def timestep_embedding(timesteps, dim):
    """Cosines, then sines, of float32 angles."""
    half = dim // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    angles = timesteps[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class Precision:
    """What a model computes with: `matmul` is the type of matrix products, `fused` chooses the C++ kernels."""

    def __init__(self, matmul=torch.float32, fused=True):
        self.matmul, self.fused = matmul, fused

    def linear(self, layer, x):
        bias = None if layer.bias is None else layer.bias.to(self.matmul)
        return F.linear(x.to(self.matmul), layer.weight.to(self.matmul), bias)

    def add_rms_norm(self, hidden, residual, norm):
        run = mixer_ops.AddRmsNorm.apply if self.fused else mixer_ops.plain_add_rms_norm
        return run(hidden, residual, norm.weight, norm.eps, self.matmul)

    def scan(self, *arguments):
        run = mixer_ops.BidirectionalScan.apply if self.fused else mixer_ops.plain_bidirectional_scan
        return run(*arguments)


class RmsNorm(nn.Module):
    """Holds the weight; Precision.add_rms_norm applies it."""

    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps


class Mixer(nn.Module):
    """Mamba read in both directions; the two share in_proj and out_proj."""

    def __init__(self, dim):
        super().__init__()
        inner, rank = 2 * dim, math.ceil(dim / 16)
        self.in_proj = nn.Linear(dim, 2 * inner, bias=False)
        self.add_direction("", inner, rank)
        self.add_direction("_b", inner, rank)
        self.out_proj = nn.Linear(inner, dim, bias=False)

    def add_direction(self, suffix, inner, rank):
        conv = nn.Conv1d(inner, inner, TAPS, groups=inner, padding=TAPS - 1)
        x_proj = nn.Linear(inner, rank + 2 * STATES, bias=False)
        dt_proj = nn.Linear(rank, inner)
        log_a = torch.arange(1, STATES + 1, dtype=torch.float32).log().repeat(inner, 1)
        nn.init.zeros_(conv.bias)
        nn.init.uniform_(dt_proj.weight, -(rank**-0.5), rank**-0.5)
        step = torch.exp(torch.empty(inner).uniform_(math.log(1e-3), math.log(1e-1)))
        with torch.no_grad():
            dt_proj.bias.copy_(step + torch.log(-torch.expm1(-step)))  # softplus of it is the step
        self.register_parameter("A_b_log" if suffix else "A_log", nn.Parameter(log_a))
        self.register_parameter("D" + suffix, nn.Parameter(torch.ones(inner)))
        self.add_module("conv1d" + suffix, conv)
        self.add_module("x_proj" + suffix, x_proj)
        self.add_module("dt_proj" + suffix, dt_proj)

    def forward(self, x, precision):
        xz = precision.linear(self.in_proj, x)
        y = precision.scan(
            xz,
            torch.stack([self.conv1d.weight, self.conv1d_b.weight]).squeeze(2),
            torch.stack([self.conv1d.bias, self.conv1d_b.bias]),
            torch.stack([self.x_proj.weight, self.x_proj_b.weight]),
            torch.stack([self.dt_proj.weight, self.dt_proj_b.weight]),
            torch.stack([self.dt_proj.bias, self.dt_proj_b.bias]),
            -torch.exp(torch.stack([self.A_log, self.A_b_log])),
            torch.stack([self.D, self.D_b]),
        )
        return precision.linear(self.out_proj, y)


class Block(nn.Module):
    """Adds the last mixer's output to the residual, normalises, mixes. Out blocks first merge the skip."""

    def __init__(self, dim, skip=False):
        super().__init__()
        self.mixer = Mixer(dim)
        self.norm = RmsNorm(dim)
        if skip:
            self.skip_linear = nn.Linear(2 * dim, dim)
            nn.init.zeros_(self.skip_linear.bias)

    def forward(self, hidden, residual, precision, skip=None):
        if skip is not None:
            hidden = precision.linear(self.skip_linear, torch.cat([hidden, skip], dim=2))
        x, residual = precision.add_rms_norm(hidden, residual, self.norm)
        return self.mixer(x, precision), residual


class PatchEmbed(nn.Module):
    """Cuts an image into patches, one token each."""

    def __init__(self, channels, patch_size, dim):
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch_size, stride=patch_size)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class LabelEmbedding(nn.Module):
    """One row per class, and a last row for "no class"."""

    def __init__(self, classes, dim):
        super().__init__()
        self.embedding_table = nn.Embedding(classes + 1, dim)
        nn.init.normal_(self.embedding_table.weight, std=0.02)

    def forward(self, labels):
        return self.embedding_table(labels)


class FinalLayer(nn.Module):
    """Layer norm, modulated by time and class if there are classes, and a linear map to the pixels of a patch."""

    def __init__(self, dim, outputs, modulated):
        super().__init__()
        self.linear = nn.Linear(dim, outputs)
        zeroed = [*self.linear.parameters()]
        if modulated:
            self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 2 * dim))
            zeroed.append(self.adaLN_modulation[1].bias)
        for parameter in zeroed:
            nn.init.zeros_(parameter)

    def forward(self, x, condition):
        x = F.layer_norm(x, x.shape[-1:], eps=1e-6)
        if condition is not None:
            shift, scale = self.adaLN_modulation(condition).chunk(2, dim=1)
            x = x * (1 + scale[:, None]) + shift[:, None]
        return self.linear(x)


class DiS(nn.Module):
    """Predicts the noise and the variance of a noisy image; `depth` is even, and the network has depth + 1 blocks.

    As in the original, the label is a token, and is added to the time of the final layer. With `label_token` false,
    there is no such token, and the label is added to the time wherever that is used. Without classes, as in the
    original, the final layer is not modulated, and the time is a token only.
    """

    def __init__(
        self, image_size=28, patch_size=4, dim=96, depth=6, channels=1, classes=10, label_token=True, skips=True
    ):
        super().__init__()
        self.patch_size, self.channels, self.classes, self.dim = patch_size, channels, classes, dim
        self.skips = skips
        self.label_token = label_token and classes is not None
        extra = 2 if self.label_token else 1
        self.pos_embed = nn.Parameter(torch.zeros(1, extra + (image_size // patch_size) ** 2, dim))
        self.patch_embed = PatchEmbed(channels, patch_size, dim)
        self.time_embed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim))
        if classes is not None:
            self.label_emb = LabelEmbedding(classes, dim)
        self.in_blocks = nn.ModuleList(Block(dim) for _ in range(depth // 2))
        self.mid_block = Block(dim)
        self.out_blocks = nn.ModuleList(Block(dim, skip=skips) for _ in range(depth // 2))
        self.norm_f = RmsNorm(dim)
        self.final_layer = FinalLayer(dim, patch_size**2 * 2 * channels, modulated=classes is not None)
        self.precision = Precision()
        nn.init.normal_(self.pos_embed, std=0.02)
        for block in self.blocks():
            nn.init.kaiming_uniform_(block.mixer.out_proj.weight, a=math.sqrt(5))
            block.mixer.out_proj.weight.data.div_(math.sqrt(depth))

    def blocks(self):
        return [*self.in_blocks, self.mid_block, *self.out_blocks]

    def forward(self, x, timesteps, labels):
        """Images [B, C, H, W], timesteps 0..999 and labels (`classes` means none) -> [B, 2 C, H, W]."""
        time = self.time_embed(timestep_embedding(timesteps, self.dim).to(x.dtype))
        condition, tokens = None, [time]
        if self.classes is not None:
            label = self.label_emb(labels)
            condition = time + label
            tokens = [label, time] if self.label_token else [condition]
        residual = torch.cat([torch.stack(tokens, dim=1), self.patch_embed(x)], dim=1) + self.pos_embed
        hidden, skips = None, []
        for block in self.in_blocks:
            hidden, residual = block(hidden, residual, self.precision)
            skips.append(hidden if self.skips else None)
        hidden, residual = self.mid_block(hidden, residual, self.precision)
        for block in self.out_blocks:
            hidden, residual = block(hidden, residual, self.precision, skips.pop())
        x, _ = mixer_ops.plain_add_rms_norm(hidden, residual, self.norm_f.weight, self.norm_f.eps, residual.dtype)
        x = self.final_layer(x, condition)[:, len(tokens) :]
        side = math.isqrt(x.shape[1])
        x = x.unflatten(2, (self.patch_size, self.patch_size, 2 * self.channels))
        x = x.unflatten(1, (side, side))  # [B, row, column, y, x, channel]
        return x.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
