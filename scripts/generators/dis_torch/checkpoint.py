"""Reads the weights of a checkpoint, .pt or .safetensors, and never raw weights in place of averaged ones.

The rules are those of Sources/Checkpoints.
"""

import argparse
import json
import math
import re

import torch

SAFETENSORS_TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class CheckpointError(ValueError):
    """A checkpoint that cannot be used, with what was found and what to do."""


def load_weights(path, key=None):
    """Returns the weights of a checkpoint as a dictionary of float32 tensors.

    Without a key, these are the only averaged ones, or those of a file that holds a single state dict.
    """
    with open(path, "rb") as file:
        head = file.read(9)
    unreadable = []
    if head[:4] == b"PK\3\4" or head[:1] == b"\x80":
        states, unreadable = _torch_states(path)
    elif head[8:] == b"{":
        states = {(): _safetensors(path)}
    else:
        raise CheckpointError(f"{path}: neither a safetensors file nor one that torch.save writes")
    state = _without_module_prefix(path, _chosen(path, states, unreadable, key))
    return {name: _weight(path, name, tensor) for name, tensor in state.items() if torch.is_tensor(tensor)}


def _weight(path, name, tensor):
    if not tensor.is_floating_point():
        raise CheckpointError(f"{path}: '{name}' is {tensor.dtype}, expected floating-point numbers")
    if not tensor.isfinite().all():
        raise CheckpointError(f"{path}: '{name}' has NaN or infinity")
    return tensor.float()


def _without_module_prefix(path, state):
    """Removes the prefix that DistributedDataParallel adds."""
    prefixed = sum(name.startswith("module.") for name in state)
    if prefixed not in (0, len(state)):
        raise CheckpointError(f"{path}: {prefixed} of {len(state)} keys begin with 'module.', expected none or all")
    return {name[len("module.") :]: value for name, value in state.items()} if prefixed else state


# MARK: Choosing


def is_averaged_name(name):
    """Whether a name says that weights are averaged: 'averaged', or 'ema' other than in the middle of a word."""
    name = name.lower()
    return "averaged" in name or re.search(r"(?<![a-z])ema|ema(?![a-z])", name) is not None


def _chosen(path, states, unreadable, key):
    """Returns the state dict under a key; without one, the averaged one or the only one."""
    averaged = [names for names in states if any(map(is_averaged_name, names))]
    if key is not None:
        for shown in (lambda names: names, lambda names: [name for name in names if name != "state_dict"]):
            found = [names for names in states if (".".join(shown(names)) or ".") == key]
            if len(found) == 1:
                return states[found[0]]
        problem = f"no '{key}'"
    elif len(averaged) == 1:
        return states[averaged[0]]
    elif averaged:
        problem = f"{len(averaged)} averaged state dicts"
    elif not unreadable and len(states) == 1 and all(name == "state_dict" for name in next(iter(states))):
        return next(iter(states.values()))
    else:
        problem = "no averaged weights (a name with 'ema' or 'averaged')"
    if list(states) == [()]:
        raise CheckpointError(f"{path}: has one state dict; leave out --checkpoint-key")
    ordered = sorted(states, key=lambda names: names not in averaged)
    choices = ", ".join(f"{'.'.join(names) or '.'} ({len(states[names])} values)" for names in ordered)
    advice = f"choose one, as in --checkpoint-key {'.'.join(ordered[0]) or '.'}"
    if unreadable and not averaged and key is None:
        advice = f"no weights are read from {', '.join(unreadable)}; --checkpoint-key selects others instead"
    raise CheckpointError(f"{path}: {problem} but: {choices}; {advice}")


# MARK: Files of torch.save


def _torch_states(path):
    """Returns the state dicts of a file by the keys that lead to them, and averaged weights that are none."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path}: cannot be read as weights: {error}") from error
    states, unreadable = {}, []
    _search(content, (), states, unreadable)
    if not states:
        raise CheckpointError(f"{path}: holds {type(content).__name__}, expected a dictionary with tensors")
    return states, unreadable


def _search(value, names, states, unreadable):
    """Adds the state dicts in a dictionary, and the names of averaged weights that are none."""
    if not isinstance(value, dict) or len(names) > 12 or {"state", "param_groups"} <= value.keys():
        return False
    before = len(states)
    if any(torch.is_tensor(tensor) and tensor.is_floating_point() and tensor.dim() for tensor in value.values()):
        states[names] = value
    for key, inner in value.items():
        if not isinstance(key, str) or torch.is_tensor(inner) or _search(inner, (*names, key), states, unreadable):
            continue
        if is_averaged_name(key) and (_has_tensor(inner) or not names and inner in (None, {})):
            unreadable.append(".".join((*names, key)))
    return len(states) > before


def _has_tensor(value):
    if isinstance(value, dict):
        return any(map(_has_tensor, value.values()))
    return any(map(_has_tensor, value)) if isinstance(value, (list, tuple)) else torch.is_tensor(value)


# MARK: safetensors


def _safetensors(path):
    try:
        from safetensors.torch import load_file
    except ImportError:
        return read_safetensors(path)
    return load_file(path)


def read_safetensors(path):
    """Returns the tensors of a .safetensors file: the length of a header, the header as JSON, and the bytes."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    start = 8 + int.from_bytes(data[:8], "little")
    if start > len(data):
        raise CheckpointError(f"{path}: the header has {start - 8} bytes, but the file only {len(data)}")
    result = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in SAFETENSORS_TYPES:
            raise CheckpointError(f"{path}: '{name}' has the unknown type {entry['dtype']}")
        dtype, shape, (first, last) = SAFETENSORS_TYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
        count = math.prod(shape)
        if not 0 <= first <= last <= len(data) - start or last - first != count * dtype.itemsize:
            raise CheckpointError(f"{path}: '{name}' {shape} has the bytes {first} to {last} of {len(data) - start}")
        values = torch.frombuffer(data, dtype=dtype, count=count, offset=start + first) if count else torch.empty(0)
        result[name] = values.to(dtype).reshape(shape)
    return result
