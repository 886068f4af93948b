"""DiS, a diffusion model whose backbone is a bidirectional Mamba (arXiv 2402.05608), in plain PyTorch.

Parameter names and shapes are those of the published model. On a GPU, the selective scan uses the kernel of
mamba_ssm if that is installed, and otherwise the parallel scan below.

Legend: B images, L tokens, D width, Di = 2 D channels of the mixer, N states, R step rank.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

try:
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
except ImportError:
    selective_scan_fn = None

NAME = "DiS"
STATES = 16
TAPS = 4


def uses_kernel(x):
    """Whether the kernel of mamba_ssm scans a tensor."""
    return selective_scan_fn is not None and x.is_cuda


def linear_scan(decay, update):
    """Returns h_l = decay_l h_{l-1} + update_l with h_{-1} = 0, all [B, L, ...], in about 2 log2(L) parallel steps.

    The steps 2k and 2k + 1 are merged into one, which halves the problem; then the even tokens are filled in.
    No product of decays is ever divided by, so nothing overflows.
    """
    tokens = decay.shape[1]
    if tokens == 1:
        return update
    odd = tokens - tokens % 2
    merged = torch.addcmul(update[:, 1:odd:2], decay[:, 1:odd:2], update[:, 0:odd:2])
    at_odd = linear_scan(decay[:, 1:odd:2] * decay[:, 0:odd:2], merged)
    result = torch.empty_like(update)
    result[:, 1:odd:2] = at_odd
    result[:, 0] = update[:, 0]
    before = at_odd[:, : (tokens - 1) // 2]
    result[:, 2::2] = torch.addcmul(update[:, 2::2], decay[:, 2::2], before)
    return result


def selective_scan(u, delta, a, b, c, d, chunk):
    """Returns y_l = C_l h_l + D u_l with h_l = exp(delta_l A) h_{l-1} + delta_l u_l B_l.

    u and delta are [B, L, Di], a is [Di, N], b and c are [B, L, N], and d is [Di]. The states of `chunk` tokens at a
    time are in memory, [B, chunk, Di, N].
    """
    outputs, state = [], None
    for start in range(0, u.shape[1], chunk):
        part = slice(start, start + chunk)
        decay = torch.exp(delta[:, part, :, None] * a)
        update = (delta[:, part] * u[:, part])[..., None] * b[:, part, None, :]
        if state is not None:
            update[:, 0] += decay[:, 0] * state
        states = linear_scan(decay, update)
        state = states[:, -1]
        outputs.append((states @ c[:, part, :, None]).squeeze(-1))
    return torch.cat(outputs, dim=1) + d * u


class RmsNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.empty(dim)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def linear(layer, x):
    """Applies a layer in the number format of its weights."""
    return layer(x.to(layer.weight.dtype))


class Mixer(nn.Module):
    """Mamba in both directions: the sum of two scans, of which the second reads the tokens from the end."""

    def __init__(self, dim):
        super().__init__()
        self.inner, self.rank = 2 * dim, math.ceil(dim / 16)
        self.in_proj = nn.Linear(dim, 2 * self.inner, bias=False)
        for suffix in ("", "_b"):
            self.register_parameter(f"A{suffix}_log", nn.Parameter(torch.empty(self.inner, STATES)))
            self.register_parameter(f"D{suffix}", nn.Parameter(torch.empty(self.inner)))
            self.add_module(f"conv1d{suffix}", nn.Conv1d(self.inner, self.inner, TAPS, groups=self.inner))
            self.add_module(f"x_proj{suffix}", nn.Linear(self.inner, self.rank + 2 * STATES, bias=False))
            self.add_module(f"dt_proj{suffix}", nn.Linear(self.rank, self.inner))
        self.out_proj = nn.Linear(self.inner, dim, bias=False)

    def scan(self, x, suffix):
        """Convolution and selective scan of [B, L, Di], each token after those before it."""
        get = lambda name: getattr(self, name)  # noqa: E731
        conv, dt_proj = get(f"conv1d{suffix}"), get(f"dt_proj{suffix}")
        a, d = -torch.exp(get(f"A{suffix}_log")), get(f"D{suffix}")
        u = F.silu(conv(F.pad(x.transpose(1, 2), (TAPS - 1, 0))))  # [B, Di, L]
        projected = linear(get(f"x_proj{suffix}"), u.transpose(1, 2)).float()
        dt, b, c = projected.split([self.rank, STATES, STATES], dim=2)
        if uses_kernel(x):
            delta = F.linear(dt, dt_proj.weight).transpose(1, 2).contiguous()
            b, c = (value.transpose(1, 2).contiguous() for value in (b, c))
            y = selective_scan_fn(u.contiguous(), delta, a, b, c, d, delta_bias=dt_proj.bias, delta_softplus=True)
            return y.transpose(1, 2)
        delta = F.softplus(dt_proj(dt))
        return selective_scan(u.transpose(1, 2), delta, a, b, c, d, chunk=4 if x.device.type == "cpu" else 64)

    def forward(self, tokens):
        x, z = linear(self.in_proj, tokens).float().chunk(2, dim=2)
        y = self.scan(x, "") + self.scan(x.flip(1), "_b").flip(1)
        return linear(self.out_proj, y * F.silu(z)).float()


class Block(nn.Module):
    """Adds the output of the last mixer to the residual, normalises it, and mixes. Out blocks first merge the skip."""

    def __init__(self, dim, has_skip=False):
        super().__init__()
        self.mixer, self.norm = Mixer(dim), RmsNorm(dim)
        self.skip_linear = nn.Linear(2 * dim, dim) if has_skip else None

    def forward(self, hidden, residual, skip=None):
        if self.skip_linear is not None:
            hidden = linear(self.skip_linear, torch.cat([hidden, skip], dim=2)).float()
        residual = residual + hidden
        return self.mixer(self.norm(residual)), residual


class PatchEmbed(nn.Module):
    def __init__(self, channels, patch, dim):
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, stride=patch)


class LabelEmbedding(nn.Module):
    """One row for each class, and a last row for no class."""

    def __init__(self, classes, dim):
        super().__init__()
        self.embedding_table = nn.Embedding(classes + 1, dim)


class FinalLayer(nn.Module):
    def __init__(self, dim, outputs, has_classes):
        super().__init__()
        self.linear = nn.Linear(dim, outputs)
        if has_classes:
            self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 2 * dim))


class DiS(nn.Module):
    """Predicts the noise, and the logits of the variance if the model learns them."""

    def __init__(self, *, dim, half, patch, channels, side, classes, outputs, has_skips):
        super().__init__()
        self.patch, self.channels, self.side, self.classes, self.dim = patch, channels, side, classes, dim
        self.extra = 1 if classes is None else 2
        self.pos_embed = nn.Parameter(torch.empty(1, self.extra + (side // patch) ** 2, dim))
        self.patch_embed = PatchEmbed(channels, patch, dim)
        self.time_embed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim))
        if classes is not None:
            self.label_emb = LabelEmbedding(classes, dim)
        self.in_blocks = nn.ModuleList(Block(dim) for _ in range(half))
        self.mid_block = Block(dim)
        self.out_blocks = nn.ModuleList(Block(dim, has_skips) for _ in range(half))
        self.norm_f = RmsNorm(dim)
        self.final_layer = FinalLayer(dim, outputs, classes is not None)
        self.register_buffer("frequencies", frequencies(dim), persistent=False)

    def set_precision(self, dtype):
        """Chooses the number format of the blocks' matrix products, except those of the step sizes."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear) and "_block" in name and "dt_proj" not in name:
                module.to(dtype)

    def compile_parts(self):
        """Compiles the blocks. They have the same code, so this takes much less time than the whole network."""
        for block in (*self.in_blocks, self.mid_block, *self.out_blocks):
            block.compile()

    def forward(self, x, timesteps, labels=None):
        angles = timesteps.float()[:, None] * self.frequencies
        embedding = F.pad(torch.cat([angles.cos(), angles.sin()], dim=1), (0, self.dim % 2))
        time = condition = self.time_embed(embedding)
        tokens = [time[:, None], self.patch_embed.proj(x).flatten(2).transpose(1, 2)]
        if self.classes is not None:
            label = self.label_emb.embedding_table(labels)
            condition = time + label
            tokens.insert(0, label[:, None])
        hidden = torch.cat(tokens, dim=1) + self.pos_embed
        residual, skips = torch.zeros_like(hidden), []
        for block in self.in_blocks:
            hidden, residual = block(hidden, residual)
            skips.append(hidden)
        hidden, residual = self.mid_block(hidden, residual)
        for block in self.out_blocks:
            hidden, residual = block(hidden, residual, skips.pop())

        y = F.layer_norm(self.norm_f(residual + hidden), (self.dim,), eps=1e-6)
        if self.classes is not None:
            shift, scale = self.final_layer.adaLN_modulation(condition).chunk(2, dim=1)
            y = y * (1 + scale[:, None]) + shift[:, None]
        y = self.final_layer.linear(y)[:, self.extra :]
        rows = self.side // self.patch
        y = y.unflatten(2, (self.patch, self.patch, -1)).unflatten(1, (rows, rows))  # [B, row, column, y, x, channel]
        return y.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


def frequencies(dim):
    """Returns the frequencies exp(-log(10000) k / (D / 2)), rounded to float32 after each operation, as in dis-eval."""
    half = dim // 2
    exponents = np.float32(-math.log(10000)) * np.arange(half, dtype=np.float32) / np.float32(half)
    return torch.from_numpy(np.exp(exponents.astype(np.float64)).astype(np.float32))


def recognises(state):
    """Whether the tensors are those of a DiS model."""
    return {"pos_embed", "patch_embed.proj.weight", "norm_f.weight", "mid_block.mixer.A_b_log"} <= state.keys()


def load(state):
    """Returns the model of a state dict. Its architecture follows from the shapes."""
    dim, channels, patch, _ = state["patch_embed.proj.weight"].shape
    table = state.get("label_emb.embedding_table.weight")
    classes = None if table is None else len(table) - 1
    patches = state["pos_embed"].shape[1] - (1 if classes is None else 2)
    rows = math.isqrt(patches)
    if rows * rows != patches:
        raise ValueError(f"pos_embed has {patches} patches, which is no square")
    outputs = len(state["final_layer.linear.weight"])
    if outputs not in (patch * patch * channels, 2 * patch * patch * channels):
        raise ValueError(f"final_layer.linear.weight has {outputs} rows, expected 1 or 2 x {patch * patch * channels}")
    half = 0
    while f"in_blocks.{half}.norm.weight" in state:
        half += 1
    with torch.device("meta"):
        model = DiS(
            dim=dim, half=half, patch=patch, channels=channels, side=rows * patch, classes=classes, outputs=outputs,
            has_skips="out_blocks.0.skip_linear.weight" in state,
        )  # fmt: skip
    model.frequencies = frequencies(dim)
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise ValueError(f"the weights are not those of a DiS model: {error}") from error
    return model
