"""U-ViT, a diffusion model whose backbone is a transformer with long skips (arXiv 2209.12152), class-conditional.

Parameter names, shapes and mathematics are those of the published model.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from dis_model import PatchEmbed, timestep_embedding


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # The gradient of F.scaled_dot_product_attention takes half of a step on a CPU.
        weights = (q @ k.transpose(2, 3) * q.shape[3] ** -0.5).softmax(3)
        return self.proj((weights.to(v.dtype) @ v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Attention, then the perceptron, each on a normed input and added. Out blocks first merge the skip."""

    def __init__(self, dim, heads, skip=False):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.mlp = Mlp(dim)
        if skip:
            self.skip_linear = nn.Linear(2 * dim, dim)

    def forward(self, x, skip=None):
        if skip is not None:
            x = self.skip_linear(torch.cat([x, skip], dim=2))
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class UViT(nn.Module):
    """Predicts the noise of a noisy image; `depth` is even, and the network has depth + 1 blocks."""

    def __init__(self, image_size=28, patch_size=4, dim=128, depth=2, heads=2, channels=1, classes=10):
        super().__init__()
        self.patch_size, self.classes, self.dim = patch_size, classes, dim
        self.patch_embed = PatchEmbed(channels, patch_size, dim)
        self.label_emb = nn.Embedding(classes + 1, dim)  # the last row stands for "no class"
        self.pos_embed = nn.Parameter(torch.zeros(1, 2 + (image_size // patch_size) ** 2, dim))
        self.in_blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth // 2))
        self.mid_block = Block(dim, heads)
        self.out_blocks = nn.ModuleList(Block(dim, heads, skip=True) for _ in range(depth // 2))
        self.norm = nn.LayerNorm(dim)
        self.decoder_pred = nn.Linear(dim, patch_size**2 * channels)
        self.final_layer = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x, timesteps, labels):
        """Images [B, C, H, W], times 0..999 and labels (`classes` means none) -> [B, C, H, W]."""
        time = timestep_embedding(timesteps, self.dim).to(x.dtype)
        x = torch.cat([self.label_emb(labels)[:, None], time[:, None], self.patch_embed(x)], dim=1) + self.pos_embed
        skips = []
        for block in self.in_blocks:
            x = block(x)
            skips.append(x)
        x = self.mid_block(x)
        for block in self.out_blocks:
            x = block(x, skips.pop())
        x = self.decoder_pred(self.norm(x))[:, 2:]
        side = math.isqrt(x.shape[1])
        x = x.unflatten(2, (self.patch_size, self.patch_size, -1)).unflatten(1, (side, side))
        return self.final_layer(x.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3))
