"""Writes inputs and expected outputs of the two committed networks as small .npy files, for the tests of dis-eval.

The extractor's outputs are PyTorch's in float64. The DiS outputs come from the original model code, in float64:
scripts/fixtures/reference/forward.py builds the original model from REFERENCE_REPOS.
"""

import argparse
import pathlib
import sys

import numpy as np
from safetensors.torch import load_file

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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, default=HERE / "fashion-dis.safetensors")
    parser.add_argument(
        "--extractor",
        type=pathlib.Path,
        default=ROOT / "reference_stats" / "fashion-mnist-extractor.safetensors",
    )
    parser.add_argument("--data", default=fashion.FOLDER)
    args = parser.parse_args()

    for target, arrays in (
        ("FeatureExtractorsTests", extractor_goldens(args.extractor, args.data)),
        ("BackbonesTests", dis_goldens(args.model)),
    ):
        for name, array in arrays.items():
            np.save(ROOT / "Tests" / target / "Fixtures" / f"fashion.{name}.npy", array)


if __name__ == "__main__":
    main()
