"""Judges the sets that `simulations command-rows` wrote by the command line, and compares the verdicts.

    python3 command.py DIS-EVAL DIR

Every set is scored by `dis-eval fid` and each candidate is judged by `dis-eval gate`, as a user would. Sets of rows have
no seed; those of a pair are given one, so that the gate compares them in pairs.
"""

import collections
import hashlib
import json
import pathlib
import subprocess
import sys

SAMPLER = {
    "name": "ddim", "prediction": "epsilon", "respacing": "50", "steps": 50, "evaluations": 50, "eta": 0,
    "cfg_interval": None, "cfg_scale": 1, "cfg_channels": "all", "clip": False, "stream": "simulation", "labels": "uniform", "quantizer": "dit",
}  # fmt: skip


def record(file, count):
    """Names an extractor for a set, without which the gate does not compare."""
    content = {
        "schema": "dis-eval-statistics/1", "tool": "simulations", "count": count, "ddof": 1, "dialect": "pytorch-fid", "features": count,
        "extractor": {"name": "simulated", "dimension": 64, "sha256": "0" * 64, "file": "none", "preprocessing": "none"},
        "npz_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }  # fmt: skip
    file.with_suffix(".json").write_text(json.dumps(content))


def score(command, folder, name, seed):
    """Returns the result of a set, made with a seed."""
    file = folder / f"{name}.npz"
    record(file, 1000)
    result = folder / f"{name}-result.json"
    subprocess.run(
        [command, "fid", "--images", file, "--ref", folder / "reference.npz", "--out", result, "--quiet"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    content = json.loads(result.read_text())
    content["provenance"]["sampler"] = {**SAMPLER, "seed": seed}
    result.write_text(json.dumps(content))
    return result


def judge(command, candidate, baseline):
    run = subprocess.run(
        [command, "gate", candidate, "--baseline", baseline, "--json"], capture_output=True, text=True
    )  # fmt: skip
    report = json.loads(run.stdout)
    if not report["checks"] or report["checks"][0].get("comparison") is None:
        sys.exit(f"command.py: {candidate} was not compared: {run.stdout}")
    return "worse" if report["verdict"] == "worse" else "not worse"


def main():
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    record(folder / "reference.npz", 1000)
    baselines, table = {}, collections.OrderedDict()
    for line in (folder / "verdicts.tsv").read_text().splitlines():
        repeat, number, damage, *expected = line.split("\t")
        if repeat not in baselines:
            seed = 2 * int(repeat)
            baselines[repeat] = (
                score(command, folder, f"{repeat}-baseline", seed),
                score(command, folder, f"{repeat}-other", seed + 1),
            )
        candidate = score(command, folder, f"{repeat}-{number}", 2 * int(repeat))
        found = [judge(command, candidate, baseline) for baseline in baselines[repeat]]
        table.setdefault(damage, []).append((found, expected))
    print("| damage | pairs, `gate` | pairs, simulation | other seeds, `gate` | other seeds, simulation | same verdict |")
    print("| --- | --- | --- | --- | --- | --- |")
    for damage, cases in table.items():
        cells = []
        for kind in range(2):
            cells += [sum(case[source][kind] == "worse" for case in cases) for source in range(2)]
        same = sum(found == expected for found, expected in cases)
        print(f"| {damage} | {' | '.join(f'{cell} of {len(cases)}' for cell in cells)} | {same} of {len(cases)} |")


if __name__ == "__main__":
    main()
