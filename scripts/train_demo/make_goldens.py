"""Writes inputs and expected outputs of the committed networks as small .npy files, for the tests of dis-eval.

The extractor's outputs are PyTorch's in float64. Those of the DiS and the U-ViT come from the original model code, in
float64, in the folders DiS and U-ViT of REFERENCE_REPOS. The original has no DiS whose label is added to the time only:
the outputs of this one come from dis_model.py, in float64.
"""

import argparse
import os
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import dis_model
import extractor
import fashion

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def extractor_goldens(path, data, count=16):
    """The first test images, their features and logits."""
    images = fashion.load("t10k", data)[0][:count]
    model = extractor.load(path).double()
    values = model.features(fashion.to_float(images).double())
    return {
        "images": images.numpy(),
        "features": values.float().numpy(),
        "logits": model.logits(values).float().numpy(),
    }


def dis_goldens(path):
    """Two noisy images, one with a class and one without."""
    sys.path.insert(0, str(ROOT / "scripts" / "fixtures" / "reference"))
    import forward

    x = np.random.default_rng(0).standard_normal((2, 1, 28, 28)).astype(np.float32)
    t, y = np.array([999, 250]), np.array([3, 10])
    return {"x": x, "t": t, "y": y, "out": forward.run(load_file(path), x, t, y, "float64").astype(np.float32)}


def label_in_time_goldens(path):
    """A tiny network with random weights, which are written to `path`; two images, one with a class and one without."""
    torch.manual_seed(0)
    model = dis_model.DiS(patch_size=7, dim=16, depth=2, label_token=False)
    for parameter in model.parameters():
        if parameter.abs().max() == 0:
            torch.nn.init.normal_(parameter, std=0.2)
    save_file(model.state_dict(), path)
    model.double().precision = dis_model.Precision(torch.float64, fused=False)
    x = np.random.default_rng(2).standard_normal((2, 1, 28, 28)).astype(np.float32)
    t, y = np.array([999, 250]), np.array([3, 10])
    with torch.no_grad():
        out = model(torch.from_numpy(x).double(), torch.from_numpy(t), torch.from_numpy(y))
    return {"x": x, "t": t, "y": y, "out": out.float().numpy()}


def uvit_goldens(path):
    """Two noisy images, one with a class and one without; times 999 t of the process."""
    state = load_file(path)
    sys.path.insert(0, str(pathlib.Path(os.environ["REFERENCE_REPOS"]) / "U-ViT"))
    from libs import uvit

    uvit.ATTENTION_MODE = "math"  # the other modes compute in float32
    torch.set_default_dtype(torch.float64)
    model = uvit.UViT(
        img_size=28, patch_size=4, in_chans=1, embed_dim=128, depth=2, num_heads=2, num_classes=11, conv=True
    )
    model.load_state_dict({k: v.double() for k, v in state.items()})
    model.eval()
    x = np.random.default_rng(1).standard_normal((2, 1, 28, 28)).astype(np.float32)
    t, y = np.array([999.0, 249.75]), np.array([3, 10])
    with torch.no_grad():
        out = model(torch.from_numpy(x).double(), torch.from_numpy(t), torch.from_numpy(y))
    torch.set_default_dtype(torch.float32)
    return {"x": x, "t": t, "y": y, "out": out.float().numpy()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, default=HERE / "fashion-dis.safetensors")
    parser.add_argument("--uvit", type=pathlib.Path, default=HERE / "fashion-uvit.safetensors")
    parser.add_argument(
        "--extractor",
        type=pathlib.Path,
        default=ROOT / "reference_stats" / "fashion-mnist-extractor.safetensors",
    )
    parser.add_argument("--data", default=fashion.FOLDER)
    args = parser.parse_args()

    backbones = ROOT / "Tests" / "BackbonesTests" / "Fixtures"
    for target, network, arrays in (
        ("FeatureExtractorsTests", "fashion", extractor_goldens(args.extractor, args.data)),
        ("BackbonesTests", "fashion", dis_goldens(args.model)),
        ("BackbonesTests", "fashion_uvit", uvit_goldens(args.uvit)),
        ("BackbonesTests", "label_in_time", label_in_time_goldens(backbones / "label_in_time.safetensors")),
    ):
        for name, array in arrays.items():
            np.save(ROOT / "Tests" / target / "Fixtures" / f"{network}.{name}.npy", array)


if __name__ == "__main__":
    main()
