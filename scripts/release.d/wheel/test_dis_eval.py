"""Tests the installed module dis_eval and its command. Started by scripts/release.d/wheel/test."""

import contextlib
import io
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import dis_eval

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODEL = {
    "ckpt": ROOT / "scripts/train_demo/fashion-dis.safetensors",
    "ref": ROOT / "reference_stats/fashion-mnist-train.npz",
    "sampler": "dpm-solver++",
}


class Tests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        os.environ.pop("DIS_EVAL", None)

    def program(self, text):
        """Writes a program in place of dis-eval."""
        path = self.folder / "program"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return mock.patch.dict(os.environ, DIS_EVAL=str(path))

    def failure(self, function, *arguments, **options):
        with self.assertRaises(dis_eval.DisEvalError) as caught:
            function(*arguments, quiet=True, **options)
        return caught.exception

    def test_the_result_of_a_checkpoint(self):
        errors = io.StringIO()
        out = self.folder / "result.json"
        with contextlib.redirect_stderr(errors):
            result = dis_eval.fid(**MODEL, num=100, steps=4, cfg_scale=1.5, labels=3, out=out)
        self.assertEqual(errors.getvalue().splitlines()[-1], f"dis-eval: wrote '{out}'")
        self.assertEqual(result["provenance"]["sampler"]["cfg_scale"], 1.5)
        self.assertEqual(result["provenance"]["num"], 100)
        self.assertEqual(result.exit_status, 0)
        self.assertIn("--num=100", result.arguments)
        rows = {row["metric"]: row for row in result.rows()}
        self.assertEqual(set(rows), {"fd", "cs"})
        self.assertLess(rows["fd"]["low"], rows["fd"]["value"])
        self.assertLess(rows["fd"]["value"], rows["fd"]["high"])
        try:
            import pandas
        except ImportError:
            with self.assertRaises(ImportError):
                result.frame()
        else:
            self.assertIsInstance(result.frame(), pandas.DataFrame)
            self.assertEqual(result.frame().set_index("metric").loc["fd", "value"], rows["fd"]["value"])

    def test_quiet(self):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            result = dis_eval.fid(**MODEL, num=20, steps=2, intervals=False, quiet=True)
        self.assertEqual(errors.getvalue(), "")
        self.assertIsNone(result["metrics"]["fd"]["interval"])

    def test_seeds_and_dialects_have_a_row_each(self):
        seeds = dis_eval.fid(**MODEL, num=20, steps=2, repeats=2, quiet=True)
        self.assertEqual([row["seed"] for row in seeds.rows() if row["metric"] == "fd"], [0, 1])
        dialects = dis_eval.evaluate(
            **MODEL, num=20, steps=2, dialect="all", metrics=["fd", "cs"], quiet=True)
        self.assertIn("torchmetrics", {row["dialect"] for row in dialects.rows()})
        # Options without types of their own are passed on as well.
        other = dis_eval.fid(**MODEL, num=20, respacing=None, steps=2, quiet=True, clip=True)
        self.assertEqual(other["provenance"]["sampler"]["clip"], True)

    def test_verdicts_are_results(self):
        result = dis_eval.fid(**MODEL, num=200, steps=4, quiet=True)
        low, high = result["metrics"]["fd"]["interval"]
        for limit, verdict, status in [
            (2 * high, "pass", 0), (low / 2, "worse", 1), ((low + high) / 2, "cannot_say", 3)
        ]:
            gate = dis_eval.gate(result, max={"fd": limit}, min={"cs": 0.1}, quiet=True)
            self.assertEqual((gate.verdict, gate.exit_status), (verdict, status))
            self.assertEqual(len(gate.rows()), 2)
        # Both limits of a list apply.
        gate = dis_eval.gate(result, max=[f"fd={2 * high}", f"cs={0.5}"], quiet=True)
        self.assertEqual(gate.verdict, "worse")
        same = dis_eval.gate(result, baseline=result, tolerance={"fd": "5%"}, metrics="fd", quiet=True)
        self.assertIn(same.verdict, ["pass", "cannot_say"])
        file = self.folder / "-baseline.json"
        written = dis_eval.gate(result, update_baseline=file, reason="the first", quiet=True)
        self.assertEqual(written.verdict, "pass")
        self.assertEqual(dis_eval.gate(result, baseline=file, metrics="fd", quiet=True)["baseline"], str(file))

    def test_paths_may_begin_with_a_hyphen(self):
        error = self.failure(dis_eval.run, "gate", "-result.json", max={"fid": 1})
        self.assertEqual((error.code, error.exit_status), ("NotFound", 66))

    def test_errors(self):
        for options, code, status, text in [
            ({"ckpt": "none"}, "NotFound", 66, "'none'"),
            ({"steps": 0}, "Usage", 64, "at least 1 step is needed"),
            ({"nothing": 1}, "Usage", 64, "Unknown option '--nothing'"),
            ({"clip": False}, "Usage", 64, "Unknown option '--no-clip'"),
            ({"num": "many"}, "Usage", 64, "The value 'many' is invalid for '--num <n>'"),
        ]:
            with self.subTest(options):
                error = self.failure(dis_eval.fid, **{**MODEL, "num": 10, **options})
                self.assertEqual((error.code, error.exit_status), (code, status), str(error))
                self.assertIn(text, error.message)
                self.assertTrue(str(error).endswith(f"(exit status {status})"))
        for options in [{"num": [1, 2]}, {"json": True}, {"help": True}]:
            with self.assertRaises(ValueError):
                dis_eval.fid(**{**MODEL, **options})
        with self.assertRaises(ValueError):
            dis_eval.Result({}).rows()

    def test_unusual_ends(self):
        for text, code, status in [
            ("exit 75", "Interrupted", 75),
            ("kill -KILL $$", "Signal", 137),
            ("exit 1", "InternalError", 70),
            ("echo nothing", "InternalError", 70),
            ("echo 'dis-eval: error: NotFound: x: y' >&2; echo 'dis-eval: seed 1' >&2; exit 66", "NotFound", 66),
            ("head -c 200000 /dev/zero | tr '\\0' x >&2; exit 74", "InputOutput", 74),
        ]:
            with self.subTest(text), self.program(text):
                error = self.failure(dis_eval.fid, **MODEL)
                self.assertEqual((error.code, error.exit_status), (code, status))
        with mock.patch.dict(os.environ, DIS_EVAL="/nowhere/dis-eval"):
            self.assertEqual(self.failure(dis_eval.fid).exit_status, 69)

    def test_the_command(self):
        bin = pathlib.Path(sys.executable).parent
        for command in [[bin / "dis-eval"], [sys.executable, "-m", "dis_eval"]]:
            run = subprocess.run([*command, "--version"], stdout=subprocess.PIPE, text=True, check=True)
            self.assertTrue(run.stdout.startswith("dis-eval "))
            run = subprocess.run([*command, "gate", "none", "--max", "fid=1"], stderr=subprocess.DEVNULL)
            self.assertEqual(run.returncode, 66)

    def test_an_interrupted_run_is_saved(self):
        """As on Ctrl-C, the signal reaches both Python and dis-eval."""
        script = f"""if True:
            import dis_eval, pathlib
            dis_eval.fid(ckpt={str(MODEL['ckpt'])!r}, ref={str(MODEL['ref'])!r}, num=100000, steps=2,
                unit=4, run="run")
        """
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", script], cwd=self.folder, start_new_session=True,
            stderr=subprocess.PIPE, text=True)
        while not list(self.folder.glob("run/units/*.safetensors")) and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate()[1]
        self.assertIn("dis-eval: stopped; run the same command to continue", errors)
        self.assertIn("KeyboardInterrupt", errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
