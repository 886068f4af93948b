"""Runs dis-eval on the same files, compares it with what the peers found, and writes docs/conformance.md.

python report.py WORK N SMALL DIS_EVAL DOCUMENT [keep]; exits 1 when a number is outside its tolerance
"""

import hashlib
import json
import math
import platform
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
    table = (
        "| peer | metric | peer's number | dis-eval | difference | allowed | agrees |\n|---|---|---|---|---|---|---|\n"
    )
    return head + table + "\n".join(map(str, rows)) + "\n", rows


INTRODUCTION = """# Conformance with the original tools

Generated by `scripts/conformance`. Each number was computed by the tool that its row or column
names, and none was typed by hand. Nine tools and dis-eval score the same files with the same
weights. A run resumes from the results of earlier runs. The last table shows which dis-eval binary
scored which set.

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


def main():
    work, large, small, binary, document, *keep = sys.argv[1:]
    work, binary, versions, rows, text = Path(work), Path(binary), {}, [], ""
    for name in dict.fromkeys(name for _, name in jobs(int(large), int(small))):
        part, found = section(work, name, dis_eval(work, name, binary, bool(keep), versions), versions)
        text, rows = f"{text}\n{part}", rows + found
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()[0]
    listed = "\n".join(f"| {package} | {versions[package]} |" for package in sorted(versions))
    counts = {key: sum(row.outcome == key for row in rows) for key in ("passed", "failed", "not run")}
    summary = ", ".join(f"{count} {key}" for key, count in counts.items())
    footer = f"\n## Versions\n\n| | |\n|---|---|\n| {version} | |\n| Python | {platform.python_version()} |\n{listed}\n"
    Path(document).write_text(f"{INTRODUCTION}\n**{summary}.**\n{text}{footer}")
    for row in rows:
        if row.outcome == "failed":
            print(f"failed: {row.peer}, {row.metric}: {row.theirs} against {row.ours} ({row.difference})")
    print(summary)
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
