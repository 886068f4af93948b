"""What a generator costs beside the same images in a file, and how well its work overlaps with the features.

    python3 generators.py --dis-eval .build/release/dis-eval --weights inception.pth [--count 4000]

Overhead: a generator that has its images already, against the same images in an .npz file, in turn, twice each.
Overlap: a generator that takes as long for an image as the features do, against the longer of the two.
Needs NumPy. The images are noise of 32 x 32, asked for in units of 64.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "generators"))
DISTINCT = 4096


def images(count):
    pool = np.random.default_rng(0).integers(0, 256, (DISTINCT, 32, 32, 3), np.uint8)
    return pool[np.arange(count) % DISTINCT]


def generate(seconds):
    """Runs as a generator that takes that many seconds for an image."""
    from dis_eval_generator import serve

    pool = images(DISTINCT)

    def sample(indices, labels, keys):
        time.sleep(seconds * len(indices))
        return pool[indices % DISTINCT]

    serve(sample, name="benchmark", image=(32, 32, 3), differs="nothing", batch=64)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dis-eval", default=".build/release/dis-eval")
    parser.add_argument("--weights")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--generate", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate is not None:
        return generate(options.generate)

    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/images.npz", arr_0=images(options.count))
        np.savez(f"{folder}/reference.npz", arr_0=images(64))
        statistics = f"{folder}/statistics.npz"
        weights = ["--weights", options.weights] if options.weights else []
        make = [options.dis_eval, "stats", "make", "--images", f"{folder}/reference.npz", "--out", statistics, *weights]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def seconds(subject, *more):
            command = [options.dis_eval, "fid", *subject, "--ref", statistics, "--num", str(options.count), *weights]
            command += ["--json", "--quiet", "--no-intervals", *more]
            result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            return result["run"]["seconds"], result["samples_sha256"]

        def generator(pause):
            return ["--generator", f"{sys.executable} {__file__} --generate {pause}"]

        file = ["--images", f"{folder}/images.npz"]
        times = {"file": [], "generator": [], "run": []}
        for turn in range(2):
            file_seconds, expected = seconds(file)
            generator_seconds, found = seconds(generator(0))
            run_seconds, kept = seconds(generator(0), "--run", f"{folder}/run{turn}", "--unit", "64")
            assert expected == found == kept, "the images are not the same"
            for name, value in zip(times, (file_seconds, generator_seconds, run_seconds)):
                times[name].append(value)
        best = {name: min(values) for name, values in times.items()}
        for name, value in best.items():
            print(f"{name}: {options.count / value:.2f} images/s, {value / best['file'] - 1:+.1%} of the time of a file")
        pause = best["file"] / options.count
        value, _ = seconds(generator(pause))
        longer = pause * options.count
        print(f"overlap: {value:.1f} s, {value / longer:.3f} of {longer:.1f} s")


if __name__ == "__main__":
    main()
