"""Runs one peer on one image set: its own code, its own entry points, on the CPU.

python peers.py PEER WORK SET -> WORK/results/PEER.SET.json (numbers) and .A.npy, .B.npy (the peer's features)

What is patched, and nothing else:
- where weights are read from (each peer downloads them otherwise);
- convolutions keep their weights channels-last in memory, which changes the speed and not the arithmetic;
- extracted features are also saved on their way from one function of the peer to the next;
- modules that a peer imports for other networks than Inception are replaced by empty ones (dgm-eval: open_clip,
  transformers).
Metrics that a peer draws from an unseeded generator are repeated RUNS times on the same features.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from unittest import mock

import numpy as np

warnings.filterwarnings("ignore")
RUNS, BATCH = 20, 32
SUBSET = 1000  # the peers' kernel distances need that many images, or quietly take fewer


def source_version(folder: Path) -> str:
    """The commit of a clone, or a hash of the sources of a tool that is not one."""
    if (folder / ".git").exists():
        command = ["git", "-C", folder, "rev-parse", "--short=7", "HEAD"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.rglob("*.py"))))
    return f"no clone, sources of SHA-256 {digest.hexdigest()[:12]}"


class Task:
    """One peer on one set; collects what ends up in the JSON."""

    def __init__(self, peer: str, work: Path, name: str):
        self.peer, self.work, self.name = peer, work, name
        self.a, self.b = (str(work / "sets" / name / side) for side in "AB")
        self.count = len(os.listdir(self.a))
        self.mixed = name.startswith("mixed")
        self.batch = 1 if self.mixed else BATCH
        self.weights = work / "weights"
        self.metrics, self.features, self.versions = {}, {}, {}
        self.images, self.extracting = 0, 0.0

    def version(self, *packages: str):
        self.versions |= {package: importlib.metadata.version(package) for package in packages}

    def commit(self, repository: str) -> Path:
        """The folder of a tool that is not a package. Its commit, or a hash of its sources, is its version."""
        folder = Path(os.environ["REFERENCE_REPOS"]) / repository
        self.versions[repository] = source_version(folder)
        return folder

    def value(self, metric: str, value, **more):
        self.metrics[metric] = {"value": float(value)} | {key: float(number) for key, number in more.items()}

    def distance(self, metric: str, function):
        """Calls function() for a Fréchet distance. Some tools refuse the root of a singular matrix as complex."""
        try:
            self.value(metric, function())
        except ValueError as error:
            if "Imaginary component" not in str(error) or self.count >= 2048:
                raise
            self.metrics[metric] = {"refused": str(error)}

    def repeated(self, metric: str, function):
        """Calls function(seed) RUNS times, for numbers from a generator that the peer does not seed."""
        runs = []
        for seed in range(RUNS):
            np.random.seed(seed)
            runs.append(float(function(seed)))
        self.metrics[metric] = {"runs": runs}

    def timed(self, function, images: int):
        """Wraps function so that its time and images count as feature extraction."""

        def run(*arguments, **keywords):
            start = time.monotonic()
            result = function(*arguments, **keywords)
            self.extracting += time.monotonic() - start
            self.images += images
            return result

        return run

    def spy(self, function, sides):
        """Wraps function so that its results are saved as the features of the next side."""
        order = iter(sides)
        timed = self.timed(function, self.count)

        def run(*arguments, **keywords):
            result = timed(*arguments, **keywords)
            self.features[next(order)] = np.asarray(result)
            return result

        return run

    def spread(self, distance):
        """Calls distance() for the peer's Fréchet distance with the two sets exchanged, if there are too few images.

        In exact arithmetic it would not change. It changes because some eigenvalues are round-off instead of 0.
        """
        if self.count < 2048:
            with contextlib.suppress(ValueError):
                self.metrics["fid"]["swapped"] = float(np.real(distance()))

    def finish(self):
        results = self.work / "results"
        results.mkdir(exist_ok=True)
        for side, array in self.features.items():
            np.save(results / f"{self.peer}.{self.name}.{side}.npy", array.astype(np.float32))
        if len(self.features) == 2:
            self.metrics["fid"]["exact"] = exact(self.features["A"], self.features["B"])
        document = {
            "peer": self.peer,
            "set": self.name,
            "images": self.count,
            "weights": (self.weights / "sha256").read_text(),
            "versions": self.versions,
            "imagesPerSecond": round(self.images / self.extracting, 2) if self.extracting else None,
            "metrics": self.metrics,
        }
        path = results / f"{self.peer}.{self.name}.json"
        path.with_suffix(".partial").write_text(json.dumps(document, indent=1))
        path.with_suffix(".partial").rename(path)


def exact(first: np.ndarray, second: np.ndarray) -> float:
    """The Fréchet distance of two sets of features in float64, without the square root of a matrix.

    For centred features X (n x d) and Y (m x d), tr sqrt(cov X cov Y) is the sum of the singular values of X Y^T divided
    by sqrt((n - 1) (m - 1)). This is correct for any number of images.
    """
    first, second = first.astype(np.float64), second.astype(np.float64)
    x, y = first - first.mean(0), second - second.mean(0)
    n, m = len(x) - 1, len(y) - 1
    if min(n, m) >= x.shape[1]:  # R of QR has the same singular values, and is smaller
        x, y = np.linalg.qr(x, "r"), np.linalg.qr(y, "r")
    cross = np.linalg.svd(x @ y.T, compute_uv=False).sum() / np.sqrt(n * m)
    mean = ((first.mean(0) - second.mean(0)) ** 2).sum()
    return float(mean + (x**2).sum() / n + (y**2).sum() / m - 2 * cross)


def statistics(features):
    return np.mean(features, axis=0), np.cov(features, rowvar=False)


# MARK: the peers


def pytorch_fid(task):
    from pytorch_fid import fid_score, inception

    task.version("pytorch-fid", "torch", "scipy")
    inception.load_state_dict_from_url = local_state(task)
    fid_score.get_activations = task.spy(fid_score.get_activations, "BA")
    task.distance("fid", lambda: fid_score.calculate_fid_given_paths([task.b, task.a], task.batch, "cpu", 2048, 0))
    a, b = task.features["A"], task.features["B"]
    task.spread(lambda: fid_score.calculate_frechet_distance(*statistics(a), *statistics(b)))


def torch_fidelity(task):
    import torch_fidelity
    from torch_fidelity import metrics

    task.version("torch-fidelity", "torch")
    order = iter("AB")
    extract = task.timed(metrics.extract_featuresdict_from_input_id_cached, task.count)

    def spy(*arguments, **keywords):
        result = extract(*arguments, **keywords)
        task.features[next(order)] = result["2048"].numpy()
        return result

    metrics.extract_featuresdict_from_input_id_cached = spy
    found = torch_fidelity.calculate_metrics(
        input1=task.a,
        input2=task.b,
        cuda=False,
        isc=True,
        fid=True,
        kid=task.count >= SUBSET,
        prc=True,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(task.weights / "inception.pth"),
        batch_size=task.batch,
        cache=False,
        verbose=False,
    )
    task.value("fid", found["frechet_inception_distance"])
    task.value("is", found["inception_score_mean"], deviation=found["inception_score_std"])
    if task.count >= SUBSET:
        task.value("kid", found["kernel_inception_distance_mean"])
    task.value("precision", found["precision"])
    task.value("recall", found["recall"])
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    def distance():
        pair = [dict(zip(("mu", "sigma"), statistics(task.features[side]))) for side in "BA"]
        return fid_statistics_to_metric(*pair, False)["frechet_inception_distance"]

    task.spread(distance)


def clean_fid(mode):
    def run(task):
        import torch
        from cleanfid import features, fid, inception_pytorch, inception_torchscript

        task.version("clean-fid", "torch", "scipy", "pillow")
        inception_pytorch.load_state_dict_from_url = local_state(task)
        original = inception_torchscript.InceptionV3W

        def local(_, download, resize_inside):
            return channels_last(original(str(task.weights), download=False, resize_inside=resize_inside))

        features.InceptionV3W = local
        fid.get_folder_features = task.spy(fid.get_folder_features, "AB")
        options = {"num_workers": 0, "batch_size": task.batch, "device": torch.device("cpu"), "verbose": False}
        task.value("fid", fid.compute_fid(task.a, task.b, mode=mode, use_dataparallel=False, **options))

    return run


def torchmetrics(task):
    import torch
    from PIL import Image
    from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
    from torchmetrics.image.inception import InceptionScore

    task.version("torchmetrics", "torch-fidelity", "torch")
    weights = str(task.weights / "inception.pth")
    network = NoTrainInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], weights)

    class Shared(torch.nn.Module):
        """One output of a single pass of the peer's network, shared by its three metrics."""

        num_features = 2048
        images = result = None

        def __init__(self, output):
            super().__init__()
            self.output = output

        def forward(self, images):
            if images is not Shared.images:
                Shared.images, Shared.result = images, network._torch_fidelity_forward(images)
            return Shared.result[self.output]

    fid, score = FrechetInceptionDistance(feature=Shared(0)), InceptionScore(feature=Shared(1))
    collected = {"A": [], "B": []}
    for side, folder in (("B", task.b), ("A", task.a)):
        paths = sorted(Path(folder).iterdir())
        start = time.monotonic()
        for first in range(0, len(paths), task.batch):
            arrays = [np.asarray(Image.open(path).convert("RGB")) for path in paths[first : first + task.batch]]
            images = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()
            with torch.no_grad():
                fid.update(images, real=side == "B")
                if side == "A":
                    score.update(images)
            collected[side].append(Shared.result[0].numpy())
        task.extracting += time.monotonic() - start
        task.images += len(paths)
    task.features = {side: np.concatenate(arrays) for side, arrays in collected.items()}
    task.value("fid", fid.compute())

    task.repeated("is", lambda seed: torchmetrics_again(score, seed))


def torchmetrics_again(metric, seed):
    import torch

    metric._computed = None  # the peer caches its first result
    torch.manual_seed(seed)
    return metric.compute()[0]


def dgm_eval(task):
    sys.path.insert(0, str(task.commit("dgm-eval")))
    for name in ("open_clip", "transformers"):
        sys.modules[name] = mock.MagicMock()
    import torch
    from dgm_eval.dataloaders import get_dataloader
    from dgm_eval.metrics import compute_FD_with_reps, compute_inception_score, compute_prdc
    from dgm_eval.models import inception, load_encoder
    from dgm_eval.representations import get_representations

    task.version("torch", "scipy", "scikit-learn")
    inception.load_state_dict_from_url = local_state(task)
    device = torch.device("cpu")

    def loader(model, folder):
        return get_dataloader(folder, 50000, BATCH, 0, seed=13579, transform=lambda image: model.transform(image))

    extract = task.spy(get_representations, "BA")
    model = load_encoder("inception", device, ckpt=None, arch=None, clean_resize=False, sinception=False, depth=0)
    real, generated = [extract(model, loader(model, folder), device) for folder in (task.b, task.a)]
    task.distance("fid", lambda: compute_FD_with_reps(real, generated))
    found = compute_prdc(real, generated, nearest_k=5)
    for metric in ("precision", "recall", "density", "coverage"):
        task.value(metric, found[metric])
    model = load_encoder("inception", device, ckpt=None, dims=1008, clean_resize=False)
    found = task.timed(compute_inception_score, task.count)(model, loader(model, task.a), device=device)
    task.value("is", found["inception score"], deviation=found["inception std"])


def edm(task):
    sys.path.insert(0, str(task.commit("edm")))
    import fid
    import torch

    task.version("torch", "scipy", "pillow")
    module = channels_last(torch.jit.load(str(task.weights / "inception-2015-12-05.pt")).eval())
    collected = []

    class Detector:
        def to(self, device):
            return self

        def __call__(self, images, return_features):
            with torch.no_grad():
                features = module(images, return_features=return_features)
            collected.append(features.numpy())
            return features

    # The published .pkl is a pickled module. The TorchScript file takes its place.
    fid.dnnlib.util.open_url = lambda *_, **__: contextlib.nullcontext()
    fid.pickle.load = lambda _: Detector()
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{task.work}/results/{task.name}.group{os.getpid()}", rank=0, world_size=1
    )
    results = {}
    for side, folder in (("A", task.a), ("B", task.b)):
        collected.clear()
        results[side] = task.timed(fid.calculate_inception_stats, task.count)(
            folder, max_batch_size=BATCH, num_workers=1, device=torch.device("cpu")
        )
        task.features[side] = np.concatenate(collected)
    task.value("fid", fid.calculate_fid_from_inception_stats(*results["A"], *results["B"]))


def adm(task):
    sys.path.insert(0, str(task.commit("guided-diffusion") / "evaluations"))
    os.chdir(task.weights)  # where the evaluator looks for its graph
    import evaluator
    import tensorflow.compat.v1 as tf

    task.version("tensorflow-cpu", "numpy", "scipy")
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    judge = evaluator.Evaluator(tf.Session(config=config), batch_size=BATCH)
    read = task.timed(judge.read_activations, task.count)
    activations = {side: read(folder + ".npz") for side, folder in (("B", task.b), ("A", task.a))}
    task.features = {side: arrays[0] for side, arrays in activations.items()}
    (a, spatial_a), (b, spatial_b) = (
        [judge.compute_statistics(array) for array in activations[side]] for side in ("A", "B")
    )
    task.distance("fid", lambda: a.frechet_distance(b))
    task.distance("sfid", lambda: spatial_a.frechet_distance(spatial_b))
    task.spread(lambda: b.frechet_distance(a))
    task.metrics["sfid"]["exact"] = exact(activations["A"][1], activations["B"][1])
    task.value("is", judge.compute_inception_score(activations["A"][0]))
    precision, recall = judge.compute_prec_recall(activations["B"][0], activations["A"][0])
    task.value("precision", precision)
    task.value("recall", recall)


# MARK: kernel distances from unseeded generators: minutes of work, from the features of an earlier run


def read_features(task):
    results = task.work / "results"
    name = task.peer.removesuffix(".kid")
    return [np.load(results / f"{name}.{task.name}.{side}.npy") for side in "AB"]


def clean_fid_kid(task):
    from cleanfid import fid

    task.version("clean-fid")
    a, b = read_features(task)
    task.repeated("kid", lambda _: fid.kernel_distance(a, b))


def torchmetrics_kid(task):
    import torch
    from torchmetrics.image.kid import KernelInceptionDistance

    task.version("torchmetrics")
    a, b = (torch.from_numpy(array) for array in read_features(task))
    metric = KernelInceptionDistance(feature=torch.nn.Identity(), subset_size=SUBSET)
    metric.update(b, real=True)
    metric.update(a, real=False)
    task.repeated("kid", lambda seed: torchmetrics_again(metric, seed))


def dgm_eval_kid(task):
    sys.path.insert(0, str(task.commit("dgm-eval")))
    from dgm_eval.metrics.mmd import compute_mmd

    a, b = (array.astype(np.float64) for array in read_features(task))
    task.repeated("kid", lambda _: compute_mmd(b, a).mean())


def channels_last(module):
    """Returns module with the weights of its convolutions channels-last in memory."""
    import torch

    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    return module


def local_state(task):
    import torch

    return lambda *_, **__: torch.load(task.weights / "inception.pth")


PEERS = {
    "pytorch-fid": pytorch_fid,
    "torch-fidelity": torch_fidelity,
    "clean-fid-clean": clean_fid("clean"),
    "clean-fid-legacy-pytorch": clean_fid("legacy_pytorch"),
    "clean-fid-legacy-tensorflow": clean_fid("legacy_tensorflow"),
    "torchmetrics": torchmetrics,
    "dgm-eval": dgm_eval,
    "edm": edm,
    "adm": adm,
    "clean-fid-clean.kid": clean_fid_kid,
    "torchmetrics.kid": torchmetrics_kid,
    "dgm-eval.kid": dgm_eval_kid,
}


def main():
    peer, work, name = sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3]
    if peer != "adm":  # whose environment has no torch
        import torch

        torch.set_num_threads(1)
        original = torch.nn.Conv2d.__init__

        def initialise(self, *arguments, **keywords):
            original(self, *arguments, **keywords)
            channels_last(self)

        torch.nn.Conv2d.__init__ = initialise
    task = Task(peer, work, name)
    start = time.monotonic()
    PEERS[peer](task)
    task.finish()
    numbers = {k: v.get("value", v.get("refused", v.get("runs"))) for k, v in task.metrics.items()}
    print(f"{peer} {name}: {numbers}, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
