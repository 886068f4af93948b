"""The networks that can be sampled, each recognised by the tensors of its checkpoint.

To add one, write a module beside dis.py and add it to BACKBONES. It needs `NAME`, `recognises(state)`, which says
whether a state dict is one of its own, and `load(state)`, which returns a torch.nn.Module with the attributes
`channels`, `side` and `classes` (None without classes). Its `forward(x, timesteps, labels)` takes [N, C, H, W],
float [N] and int64 [N] or None, and returns [N, C, H, W] or, with logits of the variance, [N, 2 C, H, W].
`set_precision(dtype)` chooses the number format of its large matrix products, and `compile_parts()` compiles it with
torch.compile.
"""

from . import dis

BACKBONES = [dis]


def load_backbone(state):
    """Returns the network of a state dict, ready for sampling."""
    for backbone in BACKBONES:
        if backbone.recognises(state):
            return backbone.NAME, backbone.load(state).eval().requires_grad_(False)
    names = ", ".join(backbone.NAME for backbone in BACKBONES)
    raise ValueError(f"the weights are of none of these networks: {names}; found {', '.join(list(state)[:8])} ...")
