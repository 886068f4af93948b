"""The Fréchet distance of a folder from statistics, computed by another tool's code. Prints {"fid": value}.

python whole.py TOOL IMAGES STATISTICS WORK
"""

import contextlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance.d"))


def pytorch_fid(images: str, statistics: str, work: Path) -> float:
    import torch
    from pytorch_fid import fid_score, inception

    tensors = torch.load(work / "weights" / "inception.pth")
    inception.load_state_dict_from_url = lambda *_, **__: tensors
    workers = min(len(__import__("os").sched_getaffinity(0)), 8)  # as its command does
    return fid_score.calculate_fid_given_paths([images, statistics], 50, "cpu", 2048, workers)


def torch_fidelity(images: str, statistics: str, work: Path) -> float:
    from torch_fidelity.metric_fid import fid_input_id_to_statistics, fid_statistics_to_metric
    from torch_fidelity.utils import create_feature_extractor

    options = {
        "input1": images,
        "cuda": False,
        "verbose": False,
        "cache": False,
        "feature_extractor_weights_path": str(work / "weights" / "inception.pth"),
    }
    extractor = create_feature_extractor("inception-v3-compat", ["2048"], **options)
    found = fid_input_id_to_statistics(1, extractor, "2048", **options)
    with np.load(statistics) as stored:
        other = {"mu": stored["mu"].astype(found["mu"].dtype), "sigma": stored["sigma"]}
    return fid_statistics_to_metric(found, other, False)["frechet_inception_distance"]


def clean_fid(images: str, statistics: str, work: Path) -> float:
    import torch
    from cleanfid import features, fid, inception_torchscript

    original = inception_torchscript.InceptionV3W
    features.InceptionV3W = lambda _, download, resize_inside: original(
        str(work / "weights"), download=False, resize_inside=resize_inside
    )
    device = torch.device("cpu")
    model = fid.build_feature_extractor("clean", device, use_dataparallel=False)
    found = fid.get_folder_features(images, model, mode="clean", device=device, verbose=False)
    with np.load(statistics) as stored:
        return fid.frechet_distance(found.mean(0), np.cov(found, rowvar=False), stored["mu"], stored["sigma"])


def main():
    tool, images, statistics, work = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        value = {"pytorch-fid": pytorch_fid, "torch-fidelity": torch_fidelity, "clean-fid": clean_fid}[tool](
            images, statistics, Path(work)
        )
    print(json.dumps({"fid": float(value)}))


if __name__ == "__main__":
    main()
