"""Runs dis-eval on the same files, compares it with what the peers found, and writes docs/conformance.md.

python report.py WORK N SMALL DIS_EVAL DOCUMENT [keep | rows]; exits 1 when a number is outside its tolerance

With keep, no result is computed. With rows, only the section of rows.py is written, and the rest of an earlier page
stays as it is.
"""

import hashlib
import json
import math
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from images import KINDS
from run import AGAIN, PEERS, jobs, missing, unsuitable

DIALECTS = {
    "pytorch-fid": "pytorch-fid",
    "torch-fidelity": "torch-fidelity",
    "clean-fid-clean": "clean",
    "clean-fid-legacy-pytorch": "clean-legacy-pytorch",
    "clean-fid-legacy-tensorflow": "clean-legacy-tensorflow",
    "torchmetrics": "torchmetrics",
    "dgm-eval": "dgm-eval",
    "edm": "edm",
    "adm": "tf",
}
NAMES = {
    "clean-fid-clean": "clean-fid, clean",
    "clean-fid-legacy-pytorch": "clean-fid, legacy_pytorch",
    "clean-fid-legacy-tensorflow": "clean-fid, legacy_tensorflow",
    "edm": "EDM, fid.py",
    "adm": "ADM, evaluator.py",
}
METRICS = {"fid": "FID", "sfid": "sFID", "is": "IS", "kid": "KID", "precision": "precision", "recall": "recall"}
OF_ROWS = {"fd": "FD", "kid": "KID", "mind": "MIND", "cmmd": "CMMD", "authpct": "AuthPct", "vendi": "Vendi score"}
OF_ROWS |= {"mifid": "MiFID, torchmetrics", "mifid_generated": "MiFID, of generated images"}
FULL_RANK = 2048  # the number of images from which a covariance of the features can be inverted


@dataclass
class Row:
    peer: str
    metric: str
    theirs: str
    ours: str
    difference: str
    allowed: str
    outcome: str  # passed, failed, not run

    def __str__(self):
        mark = {"passed": "yes", "failed": "**no**"}.get(self.outcome, self.outcome)
        return f"| {self.peer} | {self.metric} | {self.theirs} | {self.ours} | {self.difference} | {self.allowed} | {mark} |"


def number(value: float) -> str:
    return f"{value:.9g}"


def short(value: float) -> str:
    return f"{value:g}".replace("e-0", "e-")


def tolerance(peer: str, metric: str, theirs: float, count: int) -> tuple[float, str]:
    """How far apart two numbers may be, and the same in words. theirs sets the scale."""
    if metric in ("precision", "recall"):
        # Two images, and for ADM the effect of half precision on distances.
        steps = max(2 / count, 0.002 if peer == "adm" else 0)
        return steps, f"{steps:.2g}"
    if metric == "kid":
        return 1e-5 * max(1, abs(theirs)), "1e-5"
    if count < FULL_RANK:
        return 1e-5 * abs(theirs), "1e-5 relative"
    return min(1e-3, 1e-5 * abs(theirs)), "1e-3 and 1e-5 relative"


def compare(peer: str, metric: str, found: dict, ours: float | None, reason: str, count: int) -> Row:
    label, title = NAMES.get(peer, peer), METRICS[metric]
    if ours is None:
        return Row(label, title, number(found.get("value", math.nan)), reason, "", "", "failed")
    if "runs" in found:
        low, high = min(found["runs"]), max(found["runs"])
        inside = low <= ours <= high
        text = f"{number(low)} … {number(high)}"
        return Row(label, title, text, number(ours), "", f"within {len(found['runs'])} runs", outcome(inside))
    theirs = found.get("value", 0)
    text = f"refuses: {found['refused']}" if "refused" in found else number(theirs)
    if math.isnan(theirs):
        reason = "the tool multiplies 0 by log 0 where a softmax underflows"
        return Row(label, title, text, number(ours), "", reason, "n/a")
    if count < FULL_RANK and "exact" in found:
        # The peer's square root is dominated by round-off here, so compare with its features, without a square root.
        if "swapped" in found:
            text += f" (sets exchanged: {number(found['swapped'])})"
        theirs = found["exact"]
        text += f"; its features in float64: {number(theirs)}"
    allowed, words = tolerance(peer, metric, found.get("scale", theirs), count)
    passed = abs(ours - theirs) <= allowed  # false for NaN
    return Row(label, title, text, number(ours), f"{ours - theirs:+.1e}", words, outcome(passed))


def outcome(passed: bool) -> str:
    return "passed" if passed else "failed"


def dis_eval(work: Path, name: str, binary: Path, keep: bool, versions: dict) -> dict | None:
    """The result of --dialect all, recomputed when the binary has changed. With keep, what exists or None."""
    identity = hashlib.sha256(binary.read_bytes()).hexdigest()
    path = work / "results" / f"dis-eval.{name}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        if keep or kept["binary"] == identity:
            versions["dis-eval's binary, SHA-256 on " + name] = kept["binary"][:16]
            return kept["result"]
    if keep:
        return None
    versions["dis-eval's binary, SHA-256 on " + name] = identity[:16]
    folder = work / "sets" / name
    command = [binary, "evaluate", "--images", folder / "A", "--ref", folder / "B", "--dialect", "all"]
    command += ["--weights", work / "weights" / "inception.pth", "--json", "--quiet"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        print(f"dis-eval on {name}: exit status {run.returncode}\n{run.stderr}", file=sys.stderr)
        return {"error": f"exit status {run.returncode}"}  # every row of the set fails
    result = json.loads(run.stdout)
    path.write_text(json.dumps({"binary": identity, "result": result}))
    print(f"dis-eval on {name}: {result['run']['seconds']:.0f} s", flush=True)
    return result


def section(work: Path, name: str, ours: dict | None, versions: dict) -> tuple[str, list[Row]]:
    kind, count = name.split("-")
    rows = []
    for peer in PEERS + (AGAIN if kind == "tiny" else []):
        base = peer.removesuffix(".kid")
        label, path = NAMES.get(base, base), work / "results" / f"{peer}.{name}.json"
        if reason := unsuitable(base, name):
            rows.append(Row(label, "all", "n/a", "", "", reason, "n/a"))
            continue
        if not path.exists():
            if peer not in AGAIN or int(count) >= 1000:
                rows.append(Row(label, "KID" if peer in AGAIN else "all", missing(peer) or "", "", "", "", "not run"))
            continue
        document = json.loads(path.read_text())
        if ours is None:
            rows.append(Row(label, "all", "there", "not run", "", "", "not run"))
            continue
        shared = ("numpy", "scipy") if base == "adm" else ()  # from the other environment
        versions |= {k + (" beside TensorFlow" if k in shared else ""): v for k, v in document["versions"].items()}
        dialect = ours.get("dialects", {}).get(DIALECTS[base], {"metrics": {}, "skipped": {}})
        for metric, found in document["metrics"].items():
            if metric not in METRICS:
                continue
            value = dialect["metrics"].get(metric)
            reason = ours.get("error") or dialect["skipped"].get(metric, "not in the result")
            rows.append(compare(base, metric, found, value and value["value"], reason, int(count)))
            if "deviation" in found and value:
                deviation = {"value": found["deviation"], "scale": found["value"]}
                row = compare(base, metric, deviation, value.get("standard_deviation"), "not in the result", int(count))
                row.metric = "IS, deviation"
                rows.append(row)
    head = f"## {KINDS[kind]}: {int(count):,} against {int(count):,}\n\n"
    return head + table(rows), rows


def table(rows: list[Row]) -> str:
    head = (
        "| peer | metric | peer's number | dis-eval | difference | allowed | agrees |\n|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(map(str, rows)) + "\n"


# MARK: vision networks, and metrics of the same features


def feature_rows(found: dict) -> list[Row]:
    """Two rows for an extractor: its features, and the distance between two sets of them."""
    if "missing" in found:
        return [Row(found["tool"], f"features of `{found['extractor']}`", found["missing"], "", "", "", "not run")]
    extractor, images, allowed = found["extractor"], found["images"], found["allowed"]
    largest, apart = [f"largest {number(value)}" for value in found["largest"]], found["apart"] / found["largest"][0]
    words = f"{short(allowed)} of the largest"
    features = Row(
        found["tool"],
        f"features of `{extractor}`, 2 × {images}",
        *largest,
        f"{apart:.1e} of the largest",
        words,
        outcome(apart <= allowed),
    )
    theirs, ours, allowed = found["theirs"], found["ours"], found["allowedDistance"]
    passed = abs(ours - theirs) <= allowed * abs(theirs)
    words = f"{short(allowed)} relative"
    fd = Row(
        found["tool"],
        f"FD of `{extractor}`",
        number(theirs),
        number(ours),
        f"{ours - theirs:+.1e}",
        words,
        outcome(passed),
    )
    return [features, fd]


def metric_row(found: dict) -> Row:
    metric = f"{OF_ROWS.get(found['metric'], found['metric'])} of `{found['rows']}`"
    if "missing" in found:
        return Row(found["tool"], metric, found["missing"], "", "", "", "not run")
    theirs, ours, allowed = found["theirs"], found["ours"], found["allowed"]
    text = number(theirs)
    if ours is None:
        return Row(found["tool"], metric, text, "not in the result", "", "", "failed")
    if "single" in found:
        text = f"{number(found['single'])}; its code in float64: {text}"
    words = f"{short(allowed)} relative"
    passed = abs(ours - theirs) <= allowed * abs(theirs)
    return Row(found["tool"], metric, text, number(ours), f"{ours - theirs:+.1e}", words, outcome(passed))


def rows_section(work: Path, page: str) -> tuple[str, list[Row]]:
    """The section of rows.py's results, or that of the page without any."""
    path = work / "rows.json"
    if not path.exists():
        kept = re.search(rf"^{ROWS_HEADING}$.*?(?=^## (?!#)|\Z)", page, re.M | re.S)
        return (kept[0] if kept else ""), []
    document = json.loads(path.read_text())
    features = [row for found in document["features"] for row in feature_rows(found)]
    metrics = [metric_row(found) for found in document["metrics"]]
    count = document["metrics"][0]["images"]
    listed = "\n".join(f"| {package} | {version} |" for package, version in sorted(document["versions"].items()))
    parts = [
        f"{ROWS_HEADING}\n\n{ROWS_INTRODUCTION}\n{table(features)}",
        f"### Metrics of the same features: {count:,} against {count:,}\n",
        f"{METRICS_INTRODUCTION.format(copies=document['copies'])}\n{table(metrics)}",
        f"### Versions of this section\n\n| | |\n|---|---|\n{listed}\n",
    ]
    text = "\n".join(parts)
    return text, features + metrics


ROWS_HEADING = "## Vision networks, and metrics of the same features"

ROWS_INTRODUCTION = """Each tool prepares the images by its own code and runs the original network on them. dis-eval
reads the same images and the same weights (`scripts/conformance.d/rows.py`).

- **Networks**: they have the published sizes and seeded random weights
  (`scripts/fixtures/make_vision_transformers.py`). DINOv2's are a file in the naming of its
  repository. CLIP ViT-B/32's are an archive as OpenAI publishes them, with matrices in half
  precision. CLIP ViT-L/14's have OpenAI's names. timm and transformers get the same weights under
  their own names.
- **Patches to the tools**: the functions that download a network or settings (`torch.hub.load`,
  `timm.create_model`, `from_pretrained`) return these, and the files of dgm-eval are loaded
  without the modules of its other networks. Nothing else is patched.
- **Images**: 24 to 419 pixels a side, each its own size. EDM2, torch-fidelity and fd_evaluator take
  batches of images of one size, so they are given one image at a time.
- **Tolerance**: 3·10⁻⁵ of the largest feature. There are fewer images than features, so that the
  Fréchet distance is compared with the distance of the tool's own features in float64, as above.
- **Pillow**: dgm-eval and cmmd-pytorch resize with the installed Pillow, here version 12. Pillow 13
  processes the rows of some tall images first, so that dgm-eval computes other features of these
  images with Pillow 13 than with earlier versions, further apart than the tolerance. dis-eval
  follows the earlier versions, with which published numbers were computed.
"""

METRICS_INTRODUCTION = """dis-eval writes the features of two sets of images. The metric functions of the tools read
them from its files, and `evaluate` reads the same files, so that only the metrics are compared. The
last {copies} images of the first set are images of the second one that are brighter by one grey
level, so that there are copies to find.

- **Renamed features**: dis-eval computes CMMD only of features of CLIP ViT-L/14 at 336 pixels, and
  MiFID only of those of Inception. For these two, the record beside the features was given the name
  of that extractor, although the features are those of CLIP ViT-B/32. They were made like that
  extractor's first: for CMMD, they were divided by their norm. For MiFID, which counts nothing as a
  copy from a cosine distance of 0.1 on, they are absolute values, whose distances are smaller.
- **Numbers in float32**: where a tool computes in float32, its number is shown, and dis-eval is
  compared with the number of the same code in float64. For CMMD, the features were divided by their
  norm in float64 for this. Its kernel of two features of norm 1 is at least 0.98, and only the
  difference from 1 counts, of which float32 keeps few digits. The number in float64 is therefore
  the right one.
- **MIND**: torch-fidelity always computes it in float32.
- **KID**: dgm-eval draws subsets from an unseeded generator, so its function for one subset is
  given all features. torch-fidelity's subsets are seeded, and dis-eval draws the same ones.
- **MiFID of generated images**: the definition of the competition, with the mean over generated
  images. It is computed by torchmetrics' functions, with the two sets exchanged in the penalty.
- **No peer**: no tool computes `duplicates` or `class_kid`.
"""

INTRODUCTION = """# Conformance with the original tools

Generated by `scripts/conformance`. Each number was computed by the tool that its row or column
names, and none was typed by hand. Nine tools and dis-eval score the same files with the same
weights. The section about vision networks compares their features, and newer metrics, with the
tools that define them. A run resumes from the results of earlier runs. The last table shows which
dis-eval binary scored which set.

- **Weights**: the network is a seeded random Inception network with calibrated batch statistics
  (`scripts/fixtures/synthetic.py`). It is written as pytorch-fid's `.pth`, as TorchScript with the
  interface of NVIDIA's file, and as TensorFlow's frozen graph. The published weights are not
  needed, so no number here can be compared with one from the literature.
- **Images**: the images are crops of the photographs in the scikit-image and scikit-learn packages,
  mixed with textures. The second set is blurred and recoloured, so that no distance is near zero.
- **Patches to the tools**: the patches change where weights are read from, and the memory layout of
  convolution weights (channels-last, for speed). They also save the extracted features, and replace
  the modules of other networks with empty ones. The TorchScript file takes the place of NVIDIA's
  pickle. Nothing else is patched; see `scripts/conformance.d/peers.py`.
- **Tolerance**: for FID, sFID and IS, 10⁻³ absolute and 10⁻⁵ relative (below 2,048 images, where
  distances are of the order of 1,000, relative only). For KID, 10⁻⁵, relative above 1. For
  precision and recall, two images, and 0.002 for ADM, which measures distances in half precision.
- **Fewer than 2,048 images**: the covariances are singular. Eigenvalues of their product that
  should be 0 come out as round-off, and the tools add up the square roots of some 1,900 of them.
  Their distances are therefore too small by parts in 10⁻⁵. This affects all tools alike. The
  distances also change slightly when the two sets are exchanged, and some tools refuse. dis-eval is
  compared with the distance of the *tool's own features* in float64, computed without a square root
  of a matrix. The tool's own number is shown next to it.
- **Unseeded tools**: if a tool draws subsets or orders from an unseeded generator, dis-eval must
  lie within the range of 20 runs.
"""


def sections(page: str) -> tuple[str, str]:
    """The tables of an earlier page, and its versions."""
    tables = re.search(rf"^## .*?(?=^{ROWS_HEADING}$|^## Versions$)", page, re.M | re.S)
    versions = re.search(r"^## Versions$.*", page, re.M | re.S)
    return (tables[0] if tables else ""), (versions[0] if versions else "")


def summary(page: str) -> str:
    marks = re.findall(r"\| (yes|\*\*no\*\*|not run) \|$", page, re.M)
    names = {"yes": "passed", "**no**": "failed", "not run": "not run"}
    return ", ".join(f"{marks.count(mark)} {name}" for mark, name in names.items())


def main():
    work, large, small, binary, document, *mode = sys.argv[1:]
    work, binary, document, versions, rows, text = Path(work), Path(binary), Path(document), {}, [], ""
    page = document.read_text() if document.exists() else ""
    if mode == ["rows"]:
        text, footer = sections(page)
    else:
        for name in dict.fromkeys(name for _, name in jobs(int(large), int(small))):
            part, found = section(work, name, dis_eval(work, name, binary, bool(mode), versions), versions)
            text, rows = f"{text}{part}\n", rows + found
        version = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, check=False
        ).stdout.splitlines()[0]
        listed = "\n".join(f"| {package} | {versions[package]} |" for package in sorted(versions))
        footer = (
            f"## Versions\n\n| | |\n|---|---|\n| {version} | |\n| Python | {platform.python_version()} |\n{listed}\n"
        )
    part, found = rows_section(work, page)
    rows += found
    text += f"{part.rstrip()}\n\n" if part else ""
    document.write_text(f"{INTRODUCTION}\n**{summary(text)}.**\n\n{text}{footer}")
    for row in rows:
        if row.outcome == "failed":
            print(f"failed: {row.peer}, {row.metric}: {row.theirs} against {row.ours} ({row.difference})")
    print(summary(text))
    sys.exit(1 if any(row.outcome == "failed" for row in rows) else 0)


if __name__ == "__main__":
    main()
