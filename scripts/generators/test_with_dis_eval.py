"""Tests of the generators together with dis-eval: python3 test_with_dis_eval.py DIS_EVAL. Needs requirements.txt."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHECKPOINT = ROOT / "scripts" / "train_demo" / "fashion-dis.pt"
STATISTICS = ROOT / "reference_stats" / "fashion-mnist-train.npz"
DIS_EVAL = sys.argv.pop(1) if len(sys.argv) > 1 else "dis-eval"


def dis_eval(*arguments):
    run = subprocess.run([DIS_EVAL, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(f"dis-eval {' '.join(map(str, arguments))} ended with {run.returncode}: {run.stderr}")
    return run.stdout


def generator(script, *arguments):
    return f"'{sys.executable}' '{HERE / script}' {' '.join(map(str, arguments))}"


class Together(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def sampled(self, name, *arguments):
        """Returns the samples of a command as an array [N, H, W, 3]."""
        path = self.folder / f"{name}.npz"
        dis_eval("sample", *arguments, "--out", path)
        return np.load(path)["arr_0"].astype(int)

    def test_torch_dis_makes_the_samples_of_dis_eval(self):
        command = generator("torch_dis.py", CHECKPOINT, "--device cpu --batch 8")
        for settings in (
            ["--sampler", "ddpm", "--steps", "10"],
            ["--sampler", "dpm-solver++", "--steps", "6", "--cfg-scale", "2"],
        ):
            more = ["--num", 16, "--seed", 3, "--labels", "balanced", *settings]
            own = self.sampled(f"own-{settings[1]}", "--ckpt", CHECKPOINT, *more)
            other = self.sampled(f"other-{settings[1]}", "--generator", command, *more)
            difference = np.abs(own - other)
            self.assertLessEqual(difference.max(), 1)
            self.assertLess((difference > 0).mean(), 1e-3)

    def test_results_are_paired(self):
        command = generator("torch_dis.py", CHECKPOINT, "--device cpu --batch 16")
        more = ["--ref", STATISTICS, "--num", 150, "--sampler", "dpm-solver++", "--steps", 3, "--json"]
        results = []
        for name, subject in (("own", ["--ckpt", CHECKPOINT]), ("other", ["--generator", command])):
            results.append(self.folder / f"{name}.json")
            dis_eval("fid", *subject, *more, "--out", results[-1])
        comparison = json.loads(dis_eval("compare", *results, "--json"))
        self.assertTrue(comparison["paired"])
        for row in comparison["metrics"]:
            self.assertLess(abs(row["difference"]), 1e-3 * row["first"])

    def test_pipelines_of_diffusers(self):
        pipeline = self.folder / "pipeline"
        subprocess.run([sys.executable, HERE / "make_tiny_pipeline.py", pipeline], check=True)
        command = generator("torch_diffusers.py", pipeline, "--device cpu --steps 2")
        once = self.sampled("once", "--generator", command, "--num", 5)
        again = self.sampled("again", "--generator", command, "--num", 3, "--generator-count", 2)
        self.assertEqual(len(once), 5)
        self.assertLessEqual(np.abs(once[:3] - again).max(), 1)

    def test_noise(self):
        command = f"bash '{HERE / 'noise.sh'}' 16 24 3"
        images = self.sampled("noise", "--generator", command, "--num", 5)
        self.assertEqual(images.shape, (5, 16, 24, 3))


if __name__ == "__main__":
    unittest.main()
