"""Compares features of vision networks, and metrics of the same features, with the tools that define them.

python rows.py WORK DIS_EVAL COUNT FEW -> WORK/rows.json, which report.py writes as a section of the page

- Features: each tool prepares FEW images of each set by its own code, and runs the original network of a published
  size. dis-eval reads the same images and the same weights. The weights are the seeded ones of
  scripts/fixtures/make_vision_transformers.py, which also builds the tools' extractors around the network.
- Metrics: dis-eval computes the features of COUNT images of each set. The metric functions of the tools read them from
  dis-eval's .npz files, and dis-eval's evaluate reads the same files. The last COPIES images of A are images of B that
  are brighter by one grey level, so that there is something to find for the metrics of copies.

dis-eval computes CMMD and MiFID only of the features of one network each. For these two metrics, the record beside the
features is given the name of that network, although the features are those of CLIP ViT-B/32.
"""

import contextlib
import hashlib
import importlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))

import images
import make_vision_transformers as vision
import numpy as np
import torch
from peers import exact, source_version
from PIL import Image

COPIES = 32
FEATURES = 3e-5  # of the largest feature, from the image
DISTANCE = 1e-5  # relative, as for the other Fréchet distances on the page
LARGE = 8  # images of each set for the network of CMMD, at most: some 5 seconds each
PACKAGES = ["torch", "torchvision", "timm", "transformers", "torchmetrics", "scikit-learn", "scipy", "pillow", "prdc"]
PACKAGES += ["vendi-score"]
PRDC = ("precision", "recall", "density", "coverage")
REPOSITORIES = ["edm2", "dgm-eval", "torch-fidelity", "cmmd-pytorch", "dinov2", "CLIP", "diffusionbench-evals"]


def say(text: str):
    print(text, file=sys.__stdout__, flush=True)


def lacking(repository: str | None) -> str | None:
    """Why a tool cannot run here."""
    if repository and not (vision.REPOS / repository).is_dir():
        return f"{repository} is not in REFERENCE_REPOS"
    return None


# MARK: images, weights and dis-eval


def write_images(folder: Path, count: int, few: int):
    """folder/{many,few,fewest}/{A,B}; few and fewest have the first images of many."""
    for side in "AB":
        images.write(folder / "many" / side, "mixed", side, count)
    for index in range(count - COPIES, count):
        picture = Image.open(folder / "many" / "B" / f"{index:05d}.png")
        picture.point(lambda value: min(value + 1, 255)).save(folder / "many" / "A" / f"{index:05d}.png")
    for name, number in (("few", few), ("fewest", min(few, LARGE))):
        for side in "AB":
            (folder / name / side).mkdir(parents=True)
            for index in range(number):
                shutil.copy(folder / "many" / side / f"{index:05d}.png", folder / name / side)


def weights(folder: Path) -> dict[str, Path]:
    """The seeded weights of three networks, in the naming and the format of the published files."""
    vision.DINO = (384, 12, 6)
    files = {"dinov2": "dinov2_vits14.pth", "clip": "clip-vit-b-32.pt", "clip-336": "clip-vit-l-14-336.pth"}
    files = {network: folder / name for network, name in files.items()}
    folder.mkdir(exist_ok=True)
    if not files["dinov2"].exists():
        torch.save(vision.fill(vision.shapes_of(vision.hub())), files["dinov2"])
    if not files["clip"].exists():
        state = vision.fill(vision.shapes_of(vision.openai(768, 12, 32, 224, 512), "visual."))
        vision.script(vision.halved(state), str(files["clip"]))
    vision.CLIP_336 = (1024, 24, 14, 336, 768)
    if not files["clip-336"].exists():
        state = vision.fill(vision.shapes_of(vision.openai(*vision.CLIP_336), "visual."))
        torch.save(state, files["clip-336"])
    return files


class DisEval:
    def __init__(self, binary: Path, folder: Path, files: dict[str, Path]):
        self.binary, self.files = binary, files
        self.identity = hashlib.sha256(binary.read_bytes()).hexdigest()[:16]
        self.folder = folder / self.identity
        self.folder.mkdir(exist_ok=True)

    def run(self, *arguments) -> str:
        command = [self.binary, *arguments, "--threads", "1", "--quiet"]
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}: exit status {result.returncode}\n{result.stderr}")
        return result.stdout

    def features(self, extractor: str, network: str, pictures: Path, *options) -> list[Path]:
        """The .npz files of A and B, unless an earlier run of the same binary wrote them."""
        paths = []
        for side in "AB":
            path = self.folder / f"{extractor}.{pictures.name}.{side}.npz"
            paths.append(path)
            if not path.exists():
                network_of = ["--extractor", extractor, "--weights", self.files[network]]
                self.run("features", "--images", pictures / side, *network_of, *options, "--out", path)
        return paths

    def evaluate(self, pair: list[Path], *metrics: str, dialect: str | None = None) -> dict:
        options = ["--dialect", dialect] if dialect else []
        names = ["--metrics", ",".join(metrics)]
        result = json.loads(self.run("evaluate", *pair, *options, *names, "--no-intervals", "--json"))
        return {name: metric["value"] for name, metric in result["metrics"].items()}


def rows_of(paths: list[Path]) -> list[np.ndarray]:
    return [np.load(path)["features"] for path in paths]


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def renamed(paths: list[Path], extractor: str, change) -> list[Path]:
    """Copies of the files whose records name another extractor, with rows changed to be like those that it makes."""
    results = []
    for path in paths:
        result = path.with_name(f"{extractor}.{path.name}")
        rows = change(np.load(path)["features"])
        moments = rows.astype(np.float64)
        np.savez(result, features=rows, mu=moments.mean(0), sigma=np.cov(moments, rowvar=False))
        record = json.loads(path.with_suffix(".json").read_text())
        record["extractor"] = {key: value for key, value in record["extractor"].items() if key != "file"}
        record["extractor"]["name"] = extractor
        record["npz_sha256"] = hashlib.sha256(result.read_bytes()).hexdigest()
        result.with_suffix(".json").write_text(json.dumps(record))
        results.append(result)
    return results


# MARK: features


def one_by_one(extract, folder: Path) -> np.ndarray:
    """The features of the images, which have different sizes."""
    pictures = (np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir()))
    return np.concatenate([np.asarray(extract(picture[None])) for picture in pictures])


def extractors(files: dict[str, Path]):
    """dis-eval's name, the network's file, the folder of images, the repository, its code, and the tool's features."""

    def dinov2(build):
        network = vision.loaded(vision.hub(), torch.load(files["dinov2"]))
        network.dtype = torch.float32
        return lambda folder: one_by_one(build(network), folder)

    def openai(folder):
        extract = vision.torch_fidelity_clip(str(files["clip"]))
        return one_by_one(lambda picture: extract(picture)[0], folder)

    def transformers(folder):
        pictures = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir())]
        return vision.cmmd(pictures)[0].numpy()

    def timm(folder):
        return one_by_one(vision.fd_evaluator("dinov2", vision.timm_dinov2()), folder)

    fidelity = vision.torch_fidelity_dinov2
    yield "dinov2-vit-s-14.edm2", "dinov2", "few", "edm2", "DINOv2Detector", dinov2(lambda n: vision.edm2(n, "torch"))
    yield "dinov2-vit-s-14.dgm-eval", "dinov2", "few", "dgm-eval", "DINOv2Encoder", dinov2(vision.dgm_eval)
    yield (
        "dinov2-vit-s-14.torch-fidelity",
        "dinov2",
        "few",
        "torch-fidelity",
        "FeatureExtractorDinoV2",
        dinov2(fidelity),
    )
    yield "dinov2-vit-s-14.fdr", "dinov2", "few", "diffusionbench-evals", "fd_evaluator with timm", timm
    yield "clip-vit-b-32.torch-fidelity", "clip", "few", "torch-fidelity", "FeatureExtractorCLIP", openai
    yield "clip-vit-l-14-336.cmmd", "clip-336", "fewest", "cmmd-pytorch", "ClipEmbeddingModel", transformers


def compare_features(folder: Path, files: dict[str, Path], dis_eval: DisEval):
    for name, network, pictures, repository, code, extract in extractors(files):
        say(f"features: {name}")
        kept = folder / f"{repository}.{name}.npz"
        row = {"tool": f"{repository}, {code}", "extractor": name}
        if missing := lacking(repository):
            yield row | {"missing": missing}
            continue
        if not kept.exists():
            with torch.no_grad():
                np.savez(kept, **{side: extract(folder / pictures / side) for side in "AB"})
        theirs = [np.load(kept)[side] for side in "AB"]
        paths = dis_eval.features(name, network, folder / pictures)
        ours = rows_of(paths)
        (distance,) = dis_eval.evaluate(paths, "fd").values()
        yield row | {
            "images": len(ours[0]),
            "largest": [max(float(np.abs(side).max()) for side in pair) for pair in (theirs, ours)],
            "apart": max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs)),
            "allowed": FEATURES,
            "theirs": exact(*theirs),
            "ours": distance,
            "allowedDistance": DISTANCE,
        }


# MARK: metrics


def dgm_eval(module: str):
    """A file of dgm-eval's metrics, without the packages that import all the others."""
    for name in ("dgm_eval", "dgm_eval.metrics"):
        if name not in sys.modules:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [str(vision.REPOS.joinpath("dgm-eval", *name.split(".")))]
    return importlib.import_module(f"dgm_eval.metrics.{module}")


def fidelity(module: str):
    with vision.path("torch-fidelity"):
        return importlib.import_module(f"torch_fidelity.{module}")


def cmmd(generated: np.ndarray, reference: np.ndarray, dtype=np.float64) -> float:
    with vision.path("cmmd-pytorch"):
        return importlib.import_module("distance").mmd(reference.astype(dtype), generated.astype(dtype)).item()


def mifid(generated: np.ndarray, reference: np.ndarray) -> float:
    from torchmetrics.image.mifid import MemorizationInformedFrechetInceptionDistance

    metric = MemorizationInformedFrechetInceptionDistance(feature=torch.nn.Identity())
    # In float64, because the metric rounds its result to the type of the features.
    metric.update(torch.from_numpy(reference).double(), real=True)
    metric.update(torch.from_numpy(generated).double(), real=False)
    return metric.compute().item()


def mifid_generated(generated: np.ndarray, reference: np.ndarray) -> float:
    """torchmetrics' distance, divided by its penalty with the two sets exchanged: the competition's definition."""
    from torchmetrics.image.mifid import _compute_cosine_distance, _compute_fid

    y, x = (torch.from_numpy(rows).double() for rows in (generated, reference))
    fid = _compute_fid(x.mean(0), torch.cov(x.T), y.mean(0), torch.cov(y.T))
    return (fid / (_compute_cosine_distance(y, x) + 10e-15)).item()


MIFID = {"mifid": mifid, "mifid_generated": mifid_generated}


class Metrics:
    """The metrics of one extractor's features, by dis-eval and by the tools."""

    def __init__(self, extractor: str, paths: list[Path]):
        self.extractor = extractor
        self.generated, self.reference = rows_of(paths)
        self.rows = []

    @property
    def double(self):
        return self.generated.astype(np.float64), self.reference.astype(np.float64)

    def compare(self, tool: str, metric: str, ours: float | None, allowed: float, find, repository=None, single=None):
        """find() is the tool's number, and single() that in float32, where the tool computes in it."""
        row = {"tool": tool, "rows": self.extractor, "metric": metric, "images": len(self.generated)}
        if missing := lacking(repository):
            row["missing"] = missing
        else:
            row |= {"theirs": float(find()), "ours": ours, "allowed": allowed}
            row |= {"single": float(single())} if single else {}
        self.rows.append(row)


def of_dgm_eval(dis_eval: DisEval, folder: Path) -> list[dict]:
    import prdc
    from vendi_score import vendi

    name = "dinov2-vit-s-14.dgm-eval"
    paths = dis_eval.features(name, "dinov2", folder / "many", "--dialect", "dgm-eval")
    ours = dis_eval.evaluate(paths, "fd", "kid", "precision", "recall", "vendi", "authpct", dialect="dgm-eval")
    metrics = Metrics(name, paths)
    y, x = metrics.double

    def compare(function, metric, allowed, find):
        metrics.compare(f"dgm-eval, {function}", metric, ours.get(metric), allowed, find, "dgm-eval")

    compare("compute_FD_with_reps", "fd", DISTANCE, lambda: dgm_eval("fd").compute_FD_with_reps(x, y))
    compare("compute_polynomial_mmd", "kid", 1e-10, lambda: dgm_eval("mmd").compute_polynomial_mmd(x, y))
    for metric in PRDC:
        compare("compute_prdc", metric, 1e-12, lambda: dgm_eval("prdc").compute_prdc(x, y, 5)[metric])
    authpct = (metrics.reference, metrics.generated)  # it rounds them to float32
    compare("compute_authpct", "authpct", 1e-12, lambda: dgm_eval("authpct").compute_authpct(*authpct))
    compare("compute_vendi_score", "vendi", 1e-10, lambda: dgm_eval("vendi").compute_vendi_score(y))
    found = prdc.compute_prdc(x, y, 5)
    for metric in PRDC:
        metrics.compare("prdc, compute_prdc", metric, ours.get(metric), 1e-12, lambda: found[metric])
    for function in (vendi.score_X, vendi.score_dual):
        metrics.compare(f"vendi-score, {function.__name__}", "vendi", ours.get("vendi"), 1e-10, lambda: function(y))
    return metrics.rows


def of_torch_fidelity(dis_eval: DisEval, folder: Path) -> list[dict]:
    name = "clip-vit-b-32.torch-fidelity"
    paths = dis_eval.features(name, "clip", folder / "many", "--dialect", "torch-fidelity")
    ours = dis_eval.evaluate(paths, "fd", "kid", "precision", "recall", "mind", dialect="torch-fidelity")
    metrics = Metrics(name, paths)
    single = [torch.from_numpy(rows) for rows in (metrics.generated, metrics.reference)]
    double = [rows.double() for rows in single]

    def compare(module, metric, allowed, find, in_single=None):
        tool = f"torch-fidelity, {module}.py"
        metrics.compare(tool, metric, ours.get(metric), allowed, find, "torch-fidelity", in_single)

    def fd():
        pair = [{"mu": np.mean(rows, 0), "sigma": np.cov(rows, rowvar=False)} for rows in (y, x)]
        return fidelity("metric_fid").fid_statistics_to_metric(*pair, False)["frechet_inception_distance"]

    y, x = metrics.generated, metrics.reference
    compare("metric_fid", "fd", DISTANCE, fd)

    def kid(rows):
        options = {"kid_subsets": 100, "kid_subset_size": 1000, "kid_kernel": "poly", "kid_kernel_poly_degree": 3}
        options |= {"kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1, "rng_seed": 2020, "verbose": False}
        return fidelity("metric_kid").kid_features_to_metric(*rows, **options)["kernel_inception_distance_mean"]

    if len(y) >= 1000:
        compare("metric_kid", "kid", 1e-10, lambda: kid(double), lambda: kid(single))

    def precision_recall(rows):
        options = {"prc_neighborhood": 3, "prc_batch_size": 10000, "save_cpu_ram": False, "verbose": False}
        return fidelity("metric_prc").prc_features_to_metric(*rows, **options)

    for metric in ("precision", "recall"):  # which are means in float32
        find, in_single = (lambda rows=rows: precision_recall(rows)[metric] for rows in (double, single))
        compare("metric_prc", metric, 1e-7, find, in_single)

    def mind():
        options = {"mind_num_projections": 1000, "cuda": False, "rng_seed": 2020, "verbose": False}
        return fidelity("metric_mind").mind_features_to_metric(*single, **options)["monge_inception_distance"]

    compare("metric_mind", "mind", 1e-6, mind)

    clip = renamed(paths, "clip-vit-l-14-336.cmmd", unit)
    units, value = rows_of(clip), dis_eval.evaluate(clip, "cmmd").get("cmmd")
    exactly = [unit(rows.astype(np.float64)) for rows in units]
    tool, in_single = "cmmd-pytorch, distance.py", lambda: cmmd(*units, dtype=np.float32)
    metrics.compare(tool, "cmmd", value, 1e-10, lambda: cmmd(*exactly), "cmmd-pytorch", in_single)

    # Also because MiFID counts nothing as a copy from a cosine distance of 0.1 on, and these are below it.
    inception = renamed(paths, "inception-2015", np.abs)
    y, x = rows_of(inception)
    value = dis_eval.evaluate(inception, "mifid", "mifid_generated")
    for metric, definition in MIFID.items():
        metrics.compare("torchmetrics, mifid.py", metric, value.get(metric), DISTANCE, lambda: definition(y, x))
    return metrics.rows


def main():
    work, binary, count, few = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    for repository in ("dinov2", "CLIP"):
        if missing := lacking(repository):
            sys.exit(f"The seeded weights need the original network: {missing}.")
    torch.set_num_threads(1)
    os.environ.setdefault("DNNLIB_CACHE_DIR", tempfile.gettempdir())
    folder = work / "vision-rows" / f"{count}-{few}"
    if not (folder / "done").exists():
        say(f"images: 2 x {count}")
        shutil.rmtree(folder, ignore_errors=True)
        write_images(folder, count, few)
        (folder / "done").touch()
    files = weights(work / "vision-rows" / "weights")
    dis_eval = DisEval(binary, folder, files)
    features = list(compare_features(folder, files, dis_eval))
    say("metrics")
    metrics = of_dgm_eval(dis_eval, folder) + of_torch_fidelity(dis_eval, folder)
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    versions |= {name: source_version(vision.REPOS / name) for name in REPOSITORIES if not lacking(name)}
    versions |= {"dis-eval": dis_eval.run("--version").splitlines()[0], "dis-eval's binary, SHA-256": dis_eval.identity}
    document = {"features": features, "metrics": metrics, "copies": COPIES, "versions": versions}
    (work / "rows.json").write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # on which the tools print
        main()
