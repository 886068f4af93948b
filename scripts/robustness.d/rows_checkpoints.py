"""Checkpoints that are well formed, and not those of the model that is sampled."""

import json

import hostile
import numpy as np
from builders import (
    CLASSES,
    SAMPLE,
    SMALL,
    grey,
    negated_view,
    nested,
    pickled,
    pickled_tensor,
    plain,
    safetensors,
    state,
    synthetic,
    torch_file,
)
from hostile import integer, st, tensor
from rows_pickle import WHOLE, sampled, unsampled
from runner import Row

WIDE = synthetic.DiS(seed=1, embed_dim=48, depth=2, patch=4, channels=1, side=28)
FINE = synthetic.DiS(seed=1, embed_dim=32, depth=2, patch=2, channels=1, side=28)
MISMATCH = ("CheckpointMismatch", "NotADiSCheckpoint")


def mixed(other, part: str):
    """A small DiS whose tensors named like `part` are those of another model."""
    return {key: (state(other)[key] if part in key else array) for key, array in WHOLE.items()}


def bfloat16() -> bytes:
    """The small DiS as bfloat16, in safetensors."""
    header, body, start = {}, [], 0
    for key, array in WHOLE.items():
        data = (array.view("<u4") >> 16).astype("<u2").tobytes()
        header[key] = {"dtype": "BF16", "shape": list(array.shape), "data_offsets": [start, start + len(data)]}
        body.append(data)
        start += len(data)
    return st(header, b"".join(body))


def shared() -> bytes:
    """A checkpoint in which two tensors share a storage."""
    keys = list(WHOLE)
    first, second = "norm_f.weight", "mid_block.norm.weight"
    one = pickled_tensor(WHOLE[first], str(keys.index(first)))
    other = pickled_tensor(WHOLE[second], str(keys.index(second)))
    return torch_file(WHOLE, pickled(WHOLE).replace(other, one))


def negated() -> bytes:
    """A checkpoint with a view whose elements are the negatives of what is stored."""
    key = "norm_f.weight"
    view = pickled_tensor(WHOLE[key], str(list(WHOLE).index(key)))
    return torch_file(WHOLE, pickled(WHOLE).replace(view, negated_view(view)))


def optimizer() -> bytes:
    moments = {"exp_avg": tensor(16, [4, 4], [4, 1])}
    per_parameter = b"}" + integer(0) + hostile.state(**moments)[2:-1] + b"s"
    return hostile.pt(hostile.state(state=per_parameter, param_groups=b"]"))


def rows():
    ema, raw = pickled(WHOLE), pickled(WHOLE)
    yield sampled(
        "H1-averaged", "averaged weights beside others", "dis.pt", torch_file(WHOLE, nested(model=raw, ema=ema))
    )
    yield unsampled(
        "H1-no-averaged",
        "two state dicts, neither of them averaged",
        torch_file(WHOLE, nested(model=raw, other=raw)),
        "CheckpointKeyMissing",
        says=("--checkpoint-key", "model", "other"),
    )
    yield Row(
        "H1-chosen",
        "the same with --checkpoint-key model",
        {"dis.pt": torch_file(WHOLE, nested(model=raw, other=raw))},
        SAMPLE.format(file="dis.pt") + " --checkpoint-key model",
        0,
        writes=("samples.npy",),
    )
    yield Row(
        "H1-no-such-key",
        "a --checkpoint-key that the file does not have",
        {"dis.pt": torch_file(WHOLE, nested(model=raw, ema=ema))},
        SAMPLE.format(file="dis.pt") + " --checkpoint-key ema_model",
        65,
        "CheckpointKeyMissing",
    )
    yield unsampled(
        "H1-two-averaged",
        "two averaged state dicts",
        torch_file(WHOLE, nested(ema_1=raw, ema_2=raw)),
        "CheckpointKeyMissing",
        says=("--checkpoint-key", "ema_1", "ema_2"),
    )
    for id, what, arrays, *says in [
        ("H2-missing", "no norm_f.weight", state(norm_f__weight=None), "norm_f.weight"),
        ("H2-missing-position", "no pos_embed", state(pos_embed=None), "pos_embed"),
        (
            "H3-unexpected",
            "a tensor that DiS does not have",
            {**WHOLE, "decoder_pred.weight": np.ones((4, 4), "<f4")},
            "decoder_pred.weight",
        ),
        (
            "H4-positions",
            "one position too many",
            mixed(SMALL, "") | {"pos_embed": np.zeros((1, WHOLE["pos_embed"].shape[1] + 1, 32), "<f4")},
            "pos_embed",
        ),
        ("H5-width", "a block of another width", mixed(WIDE, "mid_block"), "mid_block"),
        ("H6-patch", "the patches of another model", mixed(FINE, "patch_embed.proj.weight"), "patch"),
        (
            "H9-case",
            "two names that differ by case",
            {**WHOLE, "Norm_f.weight": WHOLE["norm_f.weight"]},
            "Norm_f.weight",
        ),
    ]:
        yield unsampled(id, what, torch_file(arrays), MISMATCH, says=tuple(says))
    yield Row(
        "H7-label",
        "a class that the model does not have",
        {"classes.safetensors": safetensors(state(CLASSES))},
        SAMPLE.format(file="classes.safetensors") + " --labels 11",
        65,
        "LabelOutOfRange",
        names="11",
        note="label 10 stands for no class",
    )
    yield sampled(
        "H8-prefixed",
        'the prefix "module." on all names',
        "module.pt",
        torch_file({f"module.{key}": array for key, array in WHOLE.items()}),
    )
    yield unsampled(
        "H8-half-prefixed",
        'the prefix "module." on one name',
        torch_file({("module." if key == "pos_embed" else "") + key: array for key, array in WHOLE.items()}),
        "ModulePrefix",
    )
    yield sampled(
        "H10-float16", "float16", "half.pt", torch_file({key: array.astype("<f2") for key, array in WHOLE.items()})
    )
    yield sampled("H10-bfloat16", "bfloat16", "brain.safetensors", bfloat16())
    yield sampled(
        "H10-float64", "float64", "double.pt", torch_file({key: array.astype("<f8") for key, array in WHOLE.items()})
    )
    yield unsampled("H11-optimizer", "the state of an optimizer", optimizer(), "NotAStateDict")
    yield Row(
        "H12-extractor-as-model",
        "an extractor instead of a model",
        {},
        SAMPLE.format(file="{extractor}"),
        65,
        "NotABackbone",
        names="fashion-mnist-extractor.safetensors",
    )
    yield Row(
        "H12-model-as-extractor",
        "a model instead of an extractor",
        {"model.safetensors": safetensors(WHOLE), "pictures/0.png": plain(grey()), "pictures/1.png": plain(grey())},
        "features --images pictures --weights model.safetensors --out features.npz",
        65,
        "NotAnExtractor",
    )
    yield Row(
        "H12-inception-as-model",
        "Inception instead of a model",
        {
            "inception.safetensors": safetensors(
                {"Conv2d_1a_3x3.conv.weight": np.ones((32, 3, 3, 3), "<f4"), "fc.weight": np.ones((1008, 2048), "<f4")}
            )
        },
        SAMPLE.format(file="inception.safetensors"),
        65,
        "NotABackbone",
    )
    yield sampled("H13-shared", "two tensors in one storage", "shared.pt", shared())
    yield Row(
        "H15-decoder-as-model",
        "noise instead of a decoder",
        {"model.safetensors": safetensors(WHOLE)},
        "sample --ckpt model.safetensors --num 2 --steps 2 --decoder model.safetensors --out samples.npz",
        65,
        "NotADecoder",
    )
    yield Row(
        "H16-missing", "a file that is not there", {}, SAMPLE.format(file="none.pt"), 66, "NotFound", names="none.pt"
    )
    yield Row(
        "H16-folder",
        "a folder",
        lambda folder: (folder / "none.pt").mkdir(),
        SAMPLE.format(file="none.pt"),
        65,
        "NotACheckpoint",
        names="none.pt",
    )
    yield unsampled("H17-negated", "a view that negates what is stored", negated(), "DtypeUnsupported", says=("neg",))
    index = json.dumps({"weight_map": dict.fromkeys(WHOLE, "model-1.bin")}).encode()
    yield Row(
        "H18-parts",
        "an index of files that torch.save wrote",
        {"model.bin.index.json": index, "model-1.bin": torch_file(WHOLE)},
        SAMPLE.format(file="model.bin.index.json"),
        65,
        "NotACheckpoint",
        names="model-1.bin",
        says=("torch.save",),
    )
    yield Row(
        "H18-folder",
        "a folder with such an index",
        {"parts/model.bin.index.json": index, "parts/model-1.bin": torch_file(WHOLE)},
        SAMPLE.format(file="parts"),
        65,
        "NotACheckpoint",
        names="parts",
        says=("an index of files that torch.save wrote",),
    )
    yield unsampled("H19-gguf", "a GGUF file", b"GGUF" + bytes(60), "UnknownContainer", says=("GGUF",))
    yield unsampled("H20-empty", "an empty dictionary", torch_file({}), "NotAStateDict", says=("holds nothing",))


SECTIONS = [("Checkpoints of another kind", "", list(rows()))]
