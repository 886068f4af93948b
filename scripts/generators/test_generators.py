"""Tests of the generators: python3 test_generators.py [--without-torch] [-v] [NAME ...]

The tests play the part of dis-eval in the protocol of docs/generators.md. Those of the models need PyTorch and
diffusers (requirements.txt) and fail without them, unless --without-torch is given.
"""

import hashlib
import importlib.util
import io
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

import numpy as np

import dis_eval_generator as streams

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DEMO = ROOT / "scripts/train_demo"
BACKBONES, DIFFUSION = ROOT / "Tests/BackbonesTests/Fixtures", ROOT / "Tests/DiffusionTests/Fixtures"
WITHOUT_TORCH = "--without-torch" in sys.argv
SEED = 7


class Session:
    """A generator that was started as dis-eval starts it."""

    def __init__(self, command, variables=None):
        end, frames = os.pipe()

        def give_frames():
            os.dup2(frames, 3)
            os.set_inheritable(3, True)

        environment = {**os.environ, "DIS_EVAL_FRAMES": "3", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, close_fds=False,
            preexec_fn=give_frames, env={**environment, **(variables or {})},
        )  # fmt: skip
        os.close(frames)
        self.frames, self.buffer = end, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        os.close(self.frames)
        self.log.close()

    def send(self, message, data=b""):
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n" + data)
        self.process.stdin.flush()

    def read(self, is_complete):
        """Returns bytes of the generator once they are complete."""
        deadline = time.monotonic() + 120
        while (length := is_complete(self.buffer)) is None:
            if not select.select([self.frames], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"no answer; {self.output()}")
            piece = os.read(self.frames, 1 << 20)
            if not piece:
                raise AssertionError(f"ended after {self.buffer[:200]!r}; {self.output()}")
            self.buffer += piece
        result, self.buffer = self.buffer[:length], self.buffer[length:]
        return result

    def receive(self):
        """Returns the next message."""
        line = self.read(lambda data: data.index(b"\n") + 1 if b"\n" in data else None)
        assert len(line) <= 65536, f"a line of {len(line)} bytes"
        return json.loads(line)

    def hello(self, **changes):
        hello = {
            "type": "hello", "protocol": "dis-eval-generator/1", "seed": SEED, "stream": "dis-eval-1", "settings": {},
            "process": 0, "processes": 1, "unknown": None,
        }  # fmt: skip
        self.send({**hello, **changes})
        return self.receive()

    def request(self, first, count, classes=None, noise=None):
        """Asks for samples."""
        indices, extra, data = first + np.arange(count), {}, b""
        if classes:
            extra["labels"] = streams.labels(SEED, indices, classes).tolist()
        if noise:
            data = npy(streams.normals(SEED, indices, noise))
            extra["noise"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        keys = [f"{key:016x}" for key in streams.keys(SEED, indices).tolist()]
        self.send({"type": "make", "first": first, "count": count, "keys": keys, "unknown": [1], **extra}, data)

    def make(self, first, count, classes=None, noise=None):
        """Asks for samples and returns them."""
        self.request(first, count, classes, noise)
        frame = self.receive()
        assert frame["type"] == "frame", frame
        assert (frame["first"], frame["count"]) == (first, count), frame
        data = self.read(lambda data: frame["bytes"] if len(data) >= frame["bytes"] else None)
        assert hashlib.sha256(data).hexdigest() == frame["sha256"]
        array = np.load(io.BytesIO(data), allow_pickle=False)
        assert len(npy(array)) == len(data) and not np.isfortran(array)
        return array

    def error(self):
        """Returns the message of an error, after which the generator ends with status 1."""
        message = self.receive()
        assert message["type"] == "error", message
        assert self.process.wait(60) == 1, self.output()
        return message["message"]

    def stop(self):
        """Ends the generator as dis-eval does, and returns the exit status."""
        self.send({"type": "stop"})
        self.process.stdin.close()
        return self.process.wait(10)

    def output(self):
        self.log.seek(0)
        return self.log.read().decode()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def toy(serve, sample="return np.full((len(indices), 2, 3, 1), indices[0], np.uint8)", before="", after=""):
    """Returns the command of a small generator: the arguments of serve() and the body of sample()."""
    program = f"""
import os, pathlib, subprocess, sys, time
import numpy as np
from dis_eval_generator import serve
def sample(indices, labels, keys, noise=None):
    {sample}
{before}
serve(sample, **dict(dict(name="toy", differs="nothing"), {serve}))
{after}
"""
    return [sys.executable, "-c", program]


IMAGE = "image=(2, 3, 1)"


class StreamTests(unittest.TestCase):
    """The bytes of Sources/Diffusion/Philox.swift."""

    def test_known_answers(self):
        """Those of Random123 in Tests/DiffusionTests/PhiloxTests.swift."""
        ones = 2**32 - 1
        for counter, key, expected in [
            ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
            ((ones,) * 4, (ones,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
            (
                (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
                (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
            ),
        ]:  # fmt: skip
            words = streams.philox(
                key[0] | key[1] << 32, np.array([counter[2] | counter[3] << 32], np.uint64), [counter[0]],
                counter[1] >> 24, counter[1] & 0xFFFFFF,
            )  # fmt: skip
            self.assertEqual(tuple(int(word[0, 0]) for word in words), expected)

    def test_normals_are_those_of_swift(self):
        """The hashes are of what RandomStream.normals of Philox.swift returns."""
        indices = np.array([0, 1, 49_999, 1 << 40, 2**64 - 1], np.uint64)
        for seed, step, count, expected in [
            (0, None, 100_003, "78467bb78434d1db7d6330371ae1c141267e2d024aa86d14ca918c3a003d2412"),
            (0x0123456789ABCDEF, 249, 30_001, "9c9c16271c542a738b465e9b24fa05fc34a2cd333f815b89b13666ea97a43946"),
            (2**64 - 1, 0, 7, "155c4106ff0ffbd0fee7e6f8727f6c3b1579f64384d05ad3cb9bac857573366c"),
        ]:
            values = streams.normals(seed, indices, (count,), step)
            self.assertEqual((values.dtype, values.shape), (np.float32, (5, count)))
            self.assertEqual(hashlib.sha256(values.tobytes()).hexdigest(), expected)
        values = streams.normals(7, [0], (5,)).view(np.uint32)[0]
        self.assertEqual([f"{bits:x}" for bits in values], ["3998dd84", "be9c14e7", "3fe4f600", "3f88b00c", "3ec0b7f6"])

    def test_labels_are_those_of_swift(self):
        indices = np.array([*range(8), 0, 1, 49_999, 1 << 40, 2**64 - 1], np.uint64)
        self.assertEqual(streams.labels(0, indices, 10).tolist(), [6, 7, 3, 7, 4, 8, 4, 3, 6, 7, 5, 5, 6])
        expected = [418, 445, 953, 154, 371, 961, 503, 667, 418, 445, 310, 729, 300]
        self.assertEqual(streams.labels(2**64 - 1, indices, 1000).tolist(), expected)
        self.assertEqual(streams.labels(81985529216486895, indices, 1).tolist(), [0] * 13)

    def test_keys_are_two_words_of_purpose_3(self):
        words = streams.philox(SEED, [5, 1 << 33], [0], 3)
        expected = [int(words[0][i, 0]) << 32 | int(words[1][i, 0]) for i in range(2)]
        self.assertEqual(streams.keys(SEED, [5, 1 << 33]).tolist(), expected)

    def test_samples_do_not_depend_on_each_other_or_on_the_count(self):
        many = streams.normals(SEED, range(10), (3, 5, 7), 2)
        self.assertEqual(streams.normals(SEED, [4], (3, 5, 7), 2).tobytes(), many[4].tobytes())
        self.assertEqual(streams.normals(SEED, [4], (9,), 2).tobytes(), many[4].reshape(-1)[:9].tobytes())


class HelperTests(unittest.TestCase):
    def refusal(self, command, **hello):
        """Returns the message with which a generator refuses to begin."""
        with Session(command) as session:
            message = session.hello(**hello)
            self.assertEqual((message["type"], session.process.wait(60)), ("error", 1), session.output())
            return message["message"]

    def failure(self, serve, sample):
        """Returns the message with which sample() fails, and what the generator printed."""
        with Session(toy(serve, sample)) as session:
            self.assertEqual(session.hello()["type"], "ready")
            session.request(64, 2)
            return session.error(), session.output()

    def test_file_has_at_most_200_lines(self):
        self.assertLessEqual(len((HERE / "dis_eval_generator.py").read_text().splitlines()), 200)

    def test_images(self):
        sample = "print('hello'); return np.stack([np.full((2, 3, 1), index, np.uint8) for index in indices])"
        with Session(toy(IMAGE, sample, after="print('after')")) as session:
            ready = {"type": "ready", "protocol": "dis-eval-generator/1", "name": "toy", "version": "1"}
            self.assertEqual(session.hello(), {**ready, "image": [2, 3, 1], "differs": "nothing", "batch": 64})
            for first in (64, 3):
                images = session.make(first, 2)
                self.assertEqual((images.dtype, images.shape), (np.uint8, (2, 2, 3, 1)))
                self.assertEqual(images[:, 0, 0, 0].tolist(), [first, first + 1])
            self.assertEqual(session.stop(), 0)
            self.assertEqual(session.output().split(), ["hello", "hello", "after"])

    def test_arguments_of_sample(self):
        check = (
            "print([(a.dtype.name, a.tolist()) for a in (indices, labels, keys)], noise.dtype, noise.shape); "
            "return noise * 2"
        )
        with Session(toy("latent=(4, 2, 2), noise=(4, 2, 2), classes=10", check)) as session:
            ready = session.hello()
            self.assertEqual((ready["latent"], ready["noise"], ready["classes"]), ([4, 2, 2], [4, 2, 2], 10))
            latents = session.make(9, 2, classes=10, noise=(4, 2, 2))
            np.testing.assert_array_equal(latents, 2 * streams.normals(SEED, [9, 10], (4, 2, 2)))
            keys, labels = streams.keys(SEED, [9, 10]).tolist(), streams.labels(SEED, [9, 10], 10).tolist()
            expected = [("int64", [9, 10]), ("int64", labels), ("uint64", keys)]
            self.assertEqual(session.output().strip(), f"{expected} float32 (2, 4, 2, 2)")

    def test_everything_that_ready_can_say(self):
        serve = (
            f"{IMAGE}, version='3', device='cpu', batch=7, network_evaluations=25, stream='dis-eval-1', "
            "settings={'steps': np.int64(25), 'ends': (0, 5)}, weights=pathlib.Path(os.__file__)"
        )
        with Session(toy(serve)) as session:
            ready = session.hello(settings={"steps": 25, "ends": [0, 5]})
            expected = {
                "version": "3", "device": "cpu", "batch": 7, "network_evaluations": 25, "stream": "dis-eval-1",
                "settings": {"steps": 25, "ends": [0, 5]},
            }  # fmt: skip
            self.assertEqual({key: ready[key] for key in expected}, expected)
            content = pathlib.Path(os.__file__).read_bytes()
            self.assertEqual(ready["weights_sha256"], hashlib.sha256(content).hexdigest())
            self.assertNotIn("weights", ready)
            self.assertNotIn("classes", ready)

    def test_configure_sees_hello_and_replaces(self):
        serve = f"{IMAGE}, configure=lambda hello: dict(settings=hello['settings'], version=str(hello['seed']))"
        with Session(toy(serve)) as session:
            ready = session.hello(settings={"steps": 5, "cfg_interval": [0, 500]})
            self.assertEqual((ready["settings"], ready["version"]), ({"steps": 5, "cfg_interval": [0, 500]}, "7"))

    def test_refuses_to_run_alone(self):
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        environment.pop("DIS_EVAL_FRAMES", None)
        result = subprocess.run(toy(IMAGE), env=environment, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, "DIS_EVAL_FRAMES is not set.*start it with dis-eval fid --generator")
        self.assertNotIn("Traceback", result.stderr)

    def test_refuses_another_protocol(self):
        message = self.refusal(toy(IMAGE), protocol="dis-eval-generator/2")
        self.assertIn("found protocol dis-eval-generator/2, expected dis-eval-generator/1", message)

    def test_refuses_requests_that_it_does_not_know(self):
        for line, expected in [
            ({"type": "make"}, "found a request of type make, expected hello"),
            (b"{", "b'{\\n'"),
            (b"[1]", "expected hello"),
        ]:
            with Session(toy(IMAGE)) as session:
                session.send(line)
                self.assertIn(expected, session.error())
        with Session(toy(IMAGE)) as session:
            session.hello()
            session.send({"type": "draw"})
            self.assertIn("found a request of type draw, expected make or stop", session.error())

    def test_refuses_settings_that_are_not_confirmed(self):
        command = toy(f"{IMAGE}, settings=dict(steps=50, eta=0)")
        message = self.refusal(command, settings={"steps": 20, "eta": 0.0, "clip": True})
        self.assertIn("steps (asked for 20, has 50), clip (asked for True, has None)", message)
        self.assertNotIn("eta", message)

    def test_refuses_what_is_not_possible(self):
        for serve, expected in [
            ("batch=1", "image is None and latent is None"),
            ("image=(2, 3, 1), latent=(4, 2, 2)", "image is [2, 3, 1] and latent is [4, 2, 2]"),
            ("image=(2, 3, 2)", "image is [2, 3, 2]"),
            ("image=(2, 3)", "image is [2, 3]"),
            ("image=(0, 3, 1)", "image is [0, 3, 1]"),
            (f"{IMAGE}, differs='some'", "differs is 'some', expected 'nothing', 'last_bits' or 'everything'"),
            (f"{IMAGE}, batch=0", "batch is 0, expected 1 to 4096"),
            (f"{IMAGE}, batch=4097", "batch is 4097, expected 1 to 4096"),
            (f"{IMAGE}, weights='/nowhere/model.pt'", "/nowhere/model.pt"),
            (f"{IMAGE}, configure=lambda hello: 1 / 0", "ZeroDivisionError: division by zero"),
            (f"{IMAGE}, configure=lambda hello: sys.exit('no GPU')", "no GPU"),
        ]:
            with self.subTest(serve):
                self.assertIn(expected, self.refusal(toy(serve)))

    def test_refuses_what_sample_returns(self):
        latent = "latent=(1, 2, 2)"
        for serve, sample, expected in [
            (IMAGE, "np.zeros((2, 2, 3, 1))", "returned float64 [2, 2, 3, 1], expected uint8 [2, 2, 3, 1]"),
            (IMAGE, "np.zeros((2, 1, 2, 3), np.uint8)", "returned uint8 [2, 1, 2, 3], expected uint8 [2, 2, 3, 1]"),
            (IMAGE, "np.zeros((1, 2, 3, 1), np.uint8)", "returned uint8 [1, 2, 3, 1], expected uint8 [2, 2, 3, 1]"),
            (IMAGE, "None", "returned object [], expected uint8 [2, 2, 3, 1]"),
            (latent, "np.zeros((2, 1, 2, 2))", "returned float64 [2, 1, 2, 2], expected float32 [2, 1, 2, 2]"),
            (latent, "np.full((2, 1, 2, 2), np.nan, np.float32)", "returned NaN or infinity for samples 64 to 65"),
        ]:
            with self.subTest(sample):
                message, output = self.failure(serve, f"return {sample}")
                self.assertIn(expected, message)
                self.assertNotIn("Traceback", output)

    def test_reports_what_sample_raises(self):
        message, output = self.failure(IMAGE, "raise RuntimeError('out of memory')")
        self.assertEqual(message, "RuntimeError: out of memory")
        self.assertIn("Traceback", output)
        message, output = self.failure(IMAGE, "sys.exit('sample 3 is not finite')")
        self.assertEqual(message, "sample 3 is not finite")
        self.assertNotIn("Traceback", output)
        message, _ = self.failure(IMAGE, "raise RuntimeError('\\u00e9' * 100000)")
        self.assertEqual(len(message), 5000)

    def test_refuses_noise_that_was_changed(self):
        with Session(toy("latent=(1, 2, 2), noise=(1, 2, 2)", "return noise")) as session:
            session.hello()
            data = npy(np.zeros((1, 1, 2, 2), np.float32))
            session.send({"type": "make", "first": 0, "count": 1, "keys": ["0"],
                          "noise": {"bytes": len(data), "sha256": "0" * 64}}, data)  # fmt: skip
            self.assertIn("the noise does not have the SHA-256 of the request", session.error())

    def test_ends_when_dis_eval_is_gone(self):
        """Also in the middle of sampling, whatever it does there, and without an answer."""
        for sample in ("time.sleep(600)", "while True: pass", "np.linalg.svd(np.ones((3000, 3000)))"):
            with self.subTest(sample), Session(toy(IMAGE, f"print('begun')\n    {sample}")) as session:
                session.hello()
                session.request(0, 1)
                while "begun" not in session.output():
                    time.sleep(0.05)
                begin = time.monotonic()
                session.process.stdin.close()
                self.assertEqual(session.process.wait(10), 0)
                self.assertLess(time.monotonic() - begin, 3)
        for sent in (b"", b'{"type":"make","noise":{"bytes":1000}}\n123'):
            with self.subTest(sent), Session(toy(IMAGE)) as session:
                session.hello()
                session.process.stdin.write(sent)
                session.process.stdin.close()
                self.assertEqual(session.process.wait(10), 0)

    def test_stop_ends_sampling(self):
        with Session(toy(IMAGE, "time.sleep(600)")) as session:
            session.hello()
            session.request(0, 1)
            self.assertEqual(session.stop(), 0)

    def test_programs_that_it_starts_get_neither_channel(self):
        before = (
            "subprocess.run(['cat'], check=True)\n"
            "subprocess.run([sys.executable, '-c', 'import os\\ntry: os.fstat(3)\\nexcept OSError: print(1)\\n"
            "else: print(os.fstat(3))'], close_fds=False)"
        )
        sample = before.replace("\n", "; ") + "; return np.zeros((1, 2, 3, 1), np.uint8)"
        with Session(toy(IMAGE, sample)) as session:
            session.hello()
            session.make(0, 1)
            self.assertEqual(session.output().strip(), "1")


class NoiseTests(unittest.TestCase):
    COMMAND = [str(HERE / "noise.sh")]

    def test_images_depend_on_the_key_alone(self):
        with Session(self.COMMAND) as session:
            self.assertEqual(session.hello()["image"], [8, 8, 3])
            images = session.make(60, 9)
            np.testing.assert_array_equal(session.make(64, 1)[0], images[4])
            self.assertEqual(session.stop(), 0)
        self.assertEqual(images.shape, (9, 8, 8, 3))
        self.assertEqual(len(np.unique(images.reshape(9, -1), axis=0)), 9)

    def test_bytes_are_uniform(self):
        with Session([*self.COMMAND, "32", "32", "1"]) as session:
            session.hello()
            begin = time.monotonic()
            images = session.make(0, 64)
            self.assertLess(time.monotonic() - begin, 10)
        counts = np.bincount(images.ravel(), minlength=256)
        # The 0.1 % quantile of chi-square with 255 degrees of freedom.
        self.assertLess(((counts - images.size / 256) ** 2 / (images.size / 256)).sum(), 330.5)
        self.assertEqual(len(counts), 256)

    def test_refuses(self):
        with Session(self.COMMAND) as session:
            self.assertIn("steps:5", session.hello(settings={"steps": 5})["message"])
            self.assertEqual(session.process.wait(10), 1)
        with Session([*self.COMMAND, "0"]) as session:
            self.assertIn("found the extent '0'", session.error())
        with Session(self.COMMAND) as session:
            self.assertIn("expected the protocol", session.hello(protocol="dis-eval-generator/2")["message"])

    def test_ends_when_dis_eval_is_gone(self):
        with Session(self.COMMAND) as session:
            session.hello()
            session.process.stdin.close()
            self.assertEqual(session.process.wait(10), 0)


class ModelTestCase(unittest.TestCase):
    """Tests that need packages: they fail without them, unless --without-torch was given."""

    packages = ("torch",)

    @classmethod
    def setUpClass(cls):
        if WITHOUT_TORCH:
            raise unittest.SkipTest("--without-torch was given")
        for package in cls.packages:
            if importlib.util.find_spec(package) is None:
                raise AssertionError(
                    f"the package {package} is missing; run pip install -r scripts/generators/requirements.txt, or "
                    "give --without-torch to leave these tests out"
                )
        import torch

        torch.set_num_threads(1)
        sys.path[:0] = [str(ROOT / "scripts/fixtures"), str(DEMO)]

    def assert_close(self, found, expected, tolerance):
        """The largest difference in units of the largest value, as `worst` of Tests/_TestSupport."""
        found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
        self.assertEqual(found.shape, expected.shape)
        self.assertLessEqual(np.abs(found - expected).max() / np.abs(expected).max(), tolerance)


def golden(folder, name):
    import torch

    array = np.load(folder / f"{name}.npy")
    return torch.from_numpy(array.astype(np.int64) if array.dtype.kind == "i" else array.astype(np.float32))


def synthetic_state(name):
    """The weights of a fixture (scripts/fixtures/synthetic.py)."""
    import torch
    from synthetic import MODELS

    return {key: torch.from_numpy(np.array(value, np.float32)) for key, value in MODELS[name].state().items()}


def synthetic(name):
    from dis_torch.backbones import load_backbone

    return load_backbone(synthetic_state(name))[1]


class NetworkTests(ModelTestCase):
    MODELS = (
        "small", "no_sigma", "no_skip", "patch4", "bfloat16", "width50", "width768", "s2_px32", "s2_lat32_c1000",
    )  # fmt: skip

    def output(self, model, name):
        import torch

        labels = None if model.classes is None else golden(BACKBONES, f"{name}.y")
        with torch.inference_mode():
            return model(golden(BACKBONES, f"{name}.x"), golden(BACKBONES, f"{name}.t"), labels)

    def test_agrees_with_the_original(self):
        """The tolerance is that of ForwardParityTests.swift."""
        for name in self.MODELS:
            with self.subTest(name):
                self.assert_close(self.output(synthetic(name), name), golden(BACKBONES, f"{name}.out"), 2e-5)

    def test_trained_weights_agree(self):
        from dis_torch.backbones import load_backbone
        from dis_torch.checkpoint import load_weights

        for suffix in ("pt", "safetensors"):
            name, model = load_backbone(load_weights(DEMO / f"fashion-dis.{suffix}"))
            self.assertEqual(name, "DiS")
            self.assert_close(self.output(model, "fashion"), golden(BACKBONES, "fashion.out"), 2e-5)

    def test_agrees_with_the_training_code(self):
        import dis_model
        import torch
        from dis_torch.backbones import load_backbone

        torch.manual_seed(0)
        reference = dis_model.DiS(dim=64, depth=4).eval().requires_grad_(False)
        for parameter in reference.final_layer.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        reference.precision = dis_model.Precision(fused=False)
        x, t, y = torch.randn(4, 1, 28, 28), torch.tensor([0, 3, 500, 999]), torch.tensor([0, 9, 10, 4])
        model = load_backbone(reference.state_dict())[1]
        self.assert_close(model(x, t, y), reference(x, t, y), 1e-5)

    def test_bfloat16_keeps_two_digits(self):
        import torch

        for name in ("small", "width50"):
            model = synthetic(name)
            model.set_precision(torch.bfloat16)
            found, expected = self.output(model, name), golden(BACKBONES, f"{name}.out")
            self.assert_close(found, expected, 2e-2)
            self.assertGreater(((found - expected).abs().max() / expected.abs().max()).item(), 1e-4)

    def test_scan_does_not_depend_on_the_chunk(self):
        import torch
        from dis_torch.dis import selective_scan

        torch.manual_seed(0)
        for tokens in (1, 2, 3, 7, 64, 65):
            u, b, c = torch.randn(2, tokens, 6), torch.randn(2, tokens, 4), torch.randn(2, tokens, 4)
            delta, a, d = torch.rand(2, tokens, 6), -8 * torch.rand(6, 4), torch.randn(6)
            state, rows = torch.zeros(2, 6, 4, dtype=torch.float64), []
            for t in range(tokens):
                state = torch.exp(delta[:, t, :, None].double() * a) * state
                state = state + (delta[:, t] * u[:, t])[..., None].double() * b[:, t, None, :]
                rows.append((state * c[:, t, None, :]).sum(-1) + d * u[:, t])
            for chunk in (1, 2, 4, 5, 64, 100):
                found = selective_scan(u, delta, a, b, c, d, chunk)
                self.assert_close(found, torch.stack(rows, dim=1), 1e-6)

    def test_the_kernel_gets_what_it_expects(self):
        """The layouts of selective_scan_ref of mamba_ssm, which only runs on CUDA devices."""
        import torch
        from dis_torch import dis

        def reference(u, delta, a, b, c, d, z=None, delta_bias=None, delta_softplus=False):
            """u and delta are [B, Di, L], a is [Di, N], b and c are [B, N, L], d and delta_bias are [Di]."""
            delta = torch.nn.functional.softplus(delta + delta_bias[:, None]) if delta_softplus else delta
            state, columns = torch.zeros(len(u), *a.shape), []
            for t in range(u.shape[2]):
                decay = torch.exp(delta[:, :, t, None] * a)
                state = decay * state + (delta[:, :, t] * u[:, :, t])[..., None] * b[:, None, :, t]
                columns.append((state * c[:, None, :, t]).sum(-1))
            return torch.stack(columns, dim=2) + u * d[:, None]

        model = synthetic("width50")
        with unittest.mock.patch.multiple(dis, selective_scan_fn=reference, uses_kernel=lambda x: True):
            self.assert_close(self.output(model, "width50"), golden(BACKBONES, "width50.out"), 2e-5)

    def test_refuses_weights_of_something_else(self):
        from dis_torch.backbones import load_backbone

        state = synthetic_state("small")
        with self.assertRaisesRegex(ValueError, "of none of these networks: DiS"):
            load_backbone({"weight": state["pos_embed"]})
        del state["mid_block.mixer.D"]
        with self.assertRaisesRegex(ValueError, "mid_block.mixer.D"):
            load_backbone(state)


class SamplerTests(ModelTestCase):
    def test_agrees_with_the_original(self):
        """The cases and tolerances of SamplingParityTests.swift."""
        import torch
        from dis_torch import sampling

        for name, model, respacing, method, eta, clip, scale in [
            ("ddpm25", "small", "25", "ddpm", 0, False, 1), ("ddpm13", "small", "13", "ddpm", 0, False, 1),
            ("sections", "small", "10,5,5", "ddpm", 0, False, 1), ("ddpm20clip", "small", "20", "ddpm", 0, True, 1),
            ("ddpm12nosigma", "no_sigma", "12", "ddpm", 0, False, 1),
            ("ddim10eta", "small", "10", "ddim", 0.5, True, 1),
            ("ddim25", "small", "ddim25", "ddim", 0, False, 1), ("cfgdouble", "width50", "25", "ddpm", 0, False, 1.5),
        ]:  # fmt: skip
            with self.subTest(name), torch.inference_mode():
                network, expected = synthetic(model), golden(DIFFUSION, f"{name}.s64")
                start, noise = golden(DIFFUSION, f"{name}.z"), golden(DIFFUSION, f"{name}.noise")
                labels = golden(DIFFUSION, f"{name}.y")[: len(expected)] if scale != 1 else None
                guidance = sampling.Guidance(scale, "first3")
                schedule = sampling.Schedule(sampling.spaced_timesteps(respacing))
                sampler = sampling.Sampler(method, schedule, eta=eta, clip=clip)
                found = sampler.sample(
                    start[: len(expected)], lambda step: noise[step][: len(expected)],
                    lambda x, timestep: guidance.predict(network, x, timestep, labels),
                )  # fmt: skip
                self.assert_close(found, expected, 1e-4)

    def test_agrees_with_diffusers_at_every_step(self):
        """The cases and tolerances of SchedulerParityTests.swift."""
        import torch
        from dis_torch import sampling

        def mixture(x, a):
            """The exact noise of data that are 0.6 or -0.6 with standard deviation 0.25."""
            x, variance = x.double(), a * 0.25**2 + 1 - a
            side = torch.tanh(a**0.5 * 0.6 * x / variance)
            x0 = a**0.5 * 0.25**2 / variance * x + (1 - a) / variance * 0.6 * side
            return ((x - a**0.5 * x0) / (1 - a) ** 0.5).float()

        start, noise = golden(DIFFUSION, "schedulers.z").reshape(1, 1, 4, 4), golden(DIFFUSION, "schedulers.noise")
        for name, respacing, eta in [
            ("heun", "", 0), ("dpm-solver++", "dpm", 0), ("dpm-solver++-sde", "dpm", 0), ("ddim", "ddim", 0),
            ("ddim-eta", "ddim", 0.5),
        ]:  # fmt: skip
            expected = np.load(DIFFUSION / f"schedulers.{name}.npz")
            for count in (5, 10, 25, 50, 1000):
                with self.subTest(name, count=count):
                    schedule = sampling.Schedule(sampling.spaced_timesteps(f"{respacing}{count}"))
                    sampler = sampling.Sampler(name.replace("-eta", ""), schedule, eta=eta)
                    asked, reached = [], [start]

                    def predict(x, timestep, schedule=schedule, asked=asked):
                        asked.append(timestep)
                        return mixture(x, schedule.alpha_bar[schedule.timesteps.index(timestep)])

                    sampler.sample(start, lambda step: noise[step % 61][None], predict, reached.append)
                    if count == 1000:
                        reached = reached[::100] + ([] if (len(reached) - 1) % 100 == 0 else reached[-1:])
                    self.assert_close(torch.cat(reached).flatten(), expected[f"x{count}"].flatten(), 1e-5)
                    self.assertEqual(asked, expected[f"t{count}"].tolist())
                    self.assertEqual(asked, sampler.evaluated_timesteps())

    def test_predictions_mean_the_same(self):
        """A network that predicts x0 or v instead of the noise gives the same samples."""
        import torch
        from dis_torch import sampling

        torch.manual_seed(0)
        start, noise = torch.randn(2, 2, 3, 1), torch.randn(10, 2, 2, 3, 1)
        schedule = sampling.Schedule(sampling.spaced_timesteps("7"))

        def network(x, timestep, prediction):
            a = schedule.alpha_bar[schedule.timesteps.index(timestep)]
            x, alpha, sigma = x.double(), a**0.5, (1 - a) ** 0.5
            epsilon = x / (1 + timestep / 1000 + x * x)
            x0 = (x - sigma * epsilon) / alpha
            value = {"epsilon": epsilon, "x0": x0, "v": alpha * epsilon - sigma * x0}[prediction]
            return torch.cat([value, timestep / 1000 - epsilon], dim=1).float()

        for method in sampling.SAMPLERS:
            for clip in (False, True):
                epsilon, *others = (
                    sampling.Sampler(method, schedule, prediction, 0.5, clip).sample(
                        start, lambda step: noise[step], lambda x, t, prediction=prediction: network(x, t, prediction)
                    )
                    for prediction in ("epsilon", "x0", "v")
                )
                for other in others:
                    self.assert_close(other, epsilon, 1e-5)

    def test_respacings_and_tables_agree(self):
        from dis_torch import sampling

        for text, expected in json.loads((DIFFUSION / "respace.json").read_text()).items():
            if ":" in text:
                continue
            if isinstance(expected, list) and len(expected) >= 2:
                self.assertEqual(sampling.spaced_timesteps(text), expected, text)
            else:
                self.assertRaises(ValueError, sampling.spaced_timesteps, text)
        for text in ["", "0", "-5", "1001", "ddim1", "ddim", "3,", "3.5", "+3", "ten", "dpm", "dpm0", "dpm1001"]:
            self.assertRaises(ValueError, sampling.spaced_timesteps, text)
        for row, found in zip(golden(DIFFUSION, "schedulers.linspace").tolist(), range(2, 1001)):
            timesteps = sampling.spaced_timesteps(f"dpm{found}")
            self.assertEqual([len(timesteps), sum(timesteps), sum(i * t for i, t in enumerate(timesteps))], row)
        for text in ("2", "3", "13", "50", "ddim50", "1000"):
            schedule = sampling.Schedule(sampling.spaced_timesteps(text))
            rows = np.load(DIFFUSION / f"schedule.{'full' if text == '1000' else text}.npy")
            tables = {0: schedule.betas, 1: schedule.alpha_bar, 2: schedule.previous, 5: schedule.posterior_variance}
            for row, found in tables.items():
                np.testing.assert_allclose(found, rows[row], rtol=1e-13, atol=0)

    def test_guidance_asks_for_no_more_than_it_uses(self):
        from dis_torch.sampling import Guidance

        self.assertEqual(Guidance(1).predictions(500), [True])
        self.assertEqual(Guidance(0).predictions(500), [False])
        self.assertEqual(Guidance(2).predictions(500), [False, True])
        self.assertEqual(Guidance(0, "first3").predictions(500), [False, True])
        self.assertEqual(Guidance(2, "all", [500, 999]).predictions(500), [False, True])
        self.assertEqual(Guidance(0, "all", [501, 999]).predictions(500), [True])

    def test_guidance_agrees_with_the_original(self):
        from dis_torch.sampling import Guidance

        x, t, y = (golden(BACKBONES, f"width50.cfg.{name}") for name in "xty")
        network, half = synthetic("width50"), len(x) // 2
        for channels in ("all", "first3"):
            expected = golden(BACKBONES, f"width50.cfg.{channels}")
            for i in range(half):
                found = Guidance(1.5, channels).predict(network, x[i : i + 1], t[i].item(), y[i : i + 1])
                self.assert_close(found, expected[i : i + 1], 2e-5)

    def test_normals_of_torch_are_those_of_numpy(self):
        import torch
        from dis_torch.streams import torch_normals

        indices = np.array([0, 1, 49_999, 1 << 40], np.int64)
        devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        for device in devices:
            for seed, step, count in [(0, None, 100_003), (0x0123456789ABCDEF, 249, 3_001), (2**64 - 1, 0, 7)]:
                found = torch_normals(seed, indices, (count,), step, torch.device(device)).cpu().numpy()
                expected = streams.normals(seed, indices, (count,), step)
                self.assertEqual(found.tobytes(), expected.tobytes(), device)

    def test_quantizers(self):
        import torch
        from dis_torch.sampling import quantized

        x = torch.tensor([-2, -1, 0, 1, 2, 10.75 / 127.5 - 1]).reshape(1, 1, 1, 6)
        self.assertEqual(quantized(x, "dit").flatten().tolist(), [0, 0, 128, 255, 255, 11])
        self.assertEqual(quantized(x, "adm").flatten().tolist(), [0, 0, 127, 255, 255, 10])


class CheckpointTests(ModelTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def load(self, content, key=None):
        import torch
        from dis_torch.checkpoint import load_weights

        torch.save(content, self.folder / "file.pt")
        return {name: tensor.tolist() for name, tensor in load_weights(self.folder / "file.pt", key).items()}

    def refusal(self, content, key=None):
        from dis_torch.checkpoint import CheckpointError

        with self.assertRaises(CheckpointError) as raised:
            self.load(content, key)
        return str(raised.exception)

    def test_averaged_weights_are_taken(self):
        import argparse

        import torch

        one, two = {"w": torch.ones(1)}, {"w": torch.full((1,), 2.0)}
        optimizer = {"state": {0: {"exp_avg": torch.ones(1)}}, "param_groups": [{"params": [0]}]}
        train = {"model": one, "ema": two, "opt": optimizer, "args": argparse.Namespace(model="DiS-S/2")}
        self.assertEqual(self.load(train), {"w": [2]})
        self.assertEqual(self.load(train, "model"), {"w": [1]})
        self.assertEqual(self.load({"state_dict": {"ema_model": {"state_dict": two}, "model": one}}), {"w": [2]})
        self.assertEqual(self.load(one), {"w": [1]})
        self.assertEqual(self.load({"state_dict": one}), {"w": [1]})
        self.assertEqual(self.load({"module.w": torch.ones(1)}), {"w": [1]})
        self.assertEqual(self.load({"ema": {"w": torch.ones(1, dtype=torch.bfloat16)}}), {"w": [1]})

    def test_raw_weights_are_not_taken_in_their_place(self):
        import torch

        one = {"w": torch.ones(1)}
        self.assertIn("no averaged weights", self.refusal({"model": one}))
        self.assertIn("--checkpoint-key model", self.refusal({"model": one, "semantic": one}))
        self.assertIn("2 averaged state dicts but: ema (1 values), ema2", self.refusal({"ema": one, "ema2": one}))
        self.assertIn("no 'emma' but: ema", self.refusal({"ema": one, "model": one}, "emma"))
        self.assertIn("leave out --checkpoint-key", self.refusal(one, "ema"))
        self.assertIn("no weights are read from ema", self.refusal({"state_dict": one, "ema": [torch.ones(1)]}))
        self.assertIn("NaN", self.refusal({"w": torch.tensor([float("nan")])}))
        self.assertIn("expected none or all", self.refusal({"w": torch.ones(1), "module.v": torch.ones(1)}))
        self.assertIn("expected a dictionary", self.refusal([torch.ones(1)]))

    def test_other_files_are_refused(self):
        from dis_torch.checkpoint import CheckpointError, load_weights

        (self.folder / "file").write_bytes(b"version https://git-lfs.github.com/spec/v1")
        with self.assertRaisesRegex(CheckpointError, "neither a safetensors file nor"):
            load_weights(self.folder / "file")

    def test_safetensors_are_read_as_by_the_package(self):
        import torch
        from dis_torch.checkpoint import CheckpointError, read_safetensors
        from safetensors.torch import load_file, save_file

        types = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)
        tensors = {f"t{i}": torch.arange(6).reshape(2, 3).to(dtype) for i, dtype in enumerate(types)}
        path = self.folder / "file.safetensors"
        save_file({**tensors, "empty": torch.empty(0, 2), "scalar": torch.tensor(3.0)}, path, {"step": "5"})
        for file in (path, DEMO / "fashion-dis.safetensors"):
            expected, found = load_file(file), read_safetensors(file)
            self.assertEqual(found.keys(), expected.keys())
            for name, tensor in expected.items():
                self.assertEqual((found[name].dtype, found[name].shape), (tensor.dtype, tensor.shape))
                self.assertTrue(torch.equal(found[name], tensor))
        path.write_bytes(path.read_bytes()[:-1])
        self.assertRaises(CheckpointError, read_safetensors, path)


class TorchDiSTests(ModelTestCase):
    """torch_dis.py as a program."""

    packages = ("torch", "safetensors", "diffusers")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def command(self, *options, checkpoint=DEMO / "fashion-dis.pt"):
        return [sys.executable, str(HERE / "torch_dis.py"), str(checkpoint), "--device", "cpu", *options]

    def refusal(self, *options, checkpoint=DEMO / "fashion-dis.pt", **settings):
        with Session(self.command(*options, checkpoint=checkpoint)) as session:
            message = session.hello(settings=settings)
            self.assertEqual((message["type"], session.process.wait(60)), ("error", 1), session.output())
            self.assertNotIn("Traceback", session.output())
            return message["message"]

    def saved(self, name):
        from safetensors.torch import save_file

        save_file(synthetic_state(name), self.folder / f"{name}.safetensors")
        return self.folder / f"{name}.safetensors"

    def test_a_sample_does_not_depend_on_its_batch(self):
        """Up to one level of grey."""
        for options in (["--steps", "4", "--cfg-scale", "2"], ["--sampler", "dpm-solver++-sde", "--steps", "4"]):
            with Session(self.command(*options)) as session:
                ready = session.hello()
                self.assertEqual((ready["image"], ready["classes"], ready["stream"]), ([28, 28, 1], 10, "dis-eval-1"))
                self.assertRegex(ready["device"], r"^cpu, PyTorch \d+\.")
                digest = hashlib.sha256((DEMO / "fashion-dis.pt").read_bytes()).hexdigest()
                self.assertEqual(ready["weights_sha256"], digest)
                batch = session.make(60, 7, classes=10).astype(int)
                for first in (60, 64):
                    alone = session.make(first, 1, classes=10).astype(int)
                    self.assertLessEqual(np.abs(alone[0] - batch[first - 60]).max(), 1)
                self.assertEqual(session.stop(), 0)
            self.assertGreater(batch.std(), 50)

    def test_samples_are_those_of_the_parts(self):
        """The program adds x_T, labels and quantisation to what the other tests check."""
        import torch
        from dis_torch import sampling
        from dis_torch.backbones import load_backbone
        from dis_torch.checkpoint import load_weights

        indices, network = np.arange(3, 5), load_backbone(load_weights(DEMO / "fashion-dis.pt"))[1]
        sampler = sampling.Sampler("ddpm", sampling.Schedule(sampling.spaced_timesteps("3")))
        labels = torch.from_numpy(streams.labels(SEED, indices, 10))
        with torch.inference_mode():
            x = sampler.sample(
                torch.from_numpy(streams.normals(SEED, indices, (1, 28, 28))),
                lambda step: torch.from_numpy(streams.normals(SEED, indices, (1, 28, 28), step)),
                lambda x, timestep: network(x, torch.full((2,), timestep), labels),
            )
        with Session(self.command("--steps", "3")) as session:
            session.hello()
            found = session.make(3, 2, classes=10).astype(int)
        self.assertLessEqual(np.abs(found - sampling.quantized(x, "dit").numpy()).max(), 1)

    def test_settings_come_from_either_side(self):
        asked = {
            "sampler": "ddim", "steps": 5, "prediction": "v", "eta": 0.5, "cfg_scale": 2, "cfg_interval": [100, 900],
            "cfg_channels": "first3", "clip": True, "quantizer": "adm",
        }  # fmt: skip
        with Session(self.command("--steps", "5", "--eta", "0.5")) as session:
            ready = session.hello(settings=asked)
            self.assertEqual({key: ready["settings"].get(key) for key in asked}, asked)
            self.assertEqual(ready["settings"]["respacing"], "5")
            self.assertEqual(ready["network_evaluations"], 8)
        options = [
            "--sampler", "heun", "--respacing", "dpm4", "--prediction", "x0", "--cfg-scale", "1.5", "--cfg-interval",
            "0,500", "--clip", "--quantizer", "adm", "--batch", "3",
        ]  # fmt: skip
        with Session(self.command(*options)) as session:
            ready = session.hello()
            self.assertEqual(
                {key: ready["settings"][key] for key in (*asked, "respacing")},
                {"sampler": "heun", "steps": 4, "prediction": "x0", "eta": 0, "cfg_scale": 1.5, "clip": True,
                 "cfg_interval": [0, 500], "cfg_channels": "all", "quantizer": "adm", "respacing": "dpm4"},
            )  # fmt: skip
            self.assertEqual(ready["batch"], 3)

    def test_refuses_settings(self):
        import torch_dis

        for options, asked, expected in [
            (["--steps", "5"], {"steps": 6}, "--steps is 5, but dis-eval asks for 6"),
            (["--cfg-scale", "2"], {"cfg_scale": 1.5}, "--cfg-scale is 2.0, but dis-eval asks for 1.5"),
            (["--no-clip"], {"clip": True}, "--clip is False, but dis-eval asks for True"),
            (["--steps", "5"], {"respacing": "dpm5"}, "5 steps of ddpm are the respacing '5'"),
            ([], {"sampler": "euler"}, "sampler is 'euler', expected ddpm or ddim"),
            ([], {"prediction": "score"}, "prediction is 'score', expected epsilon or x0 or v"),
            ([], {"steps": 1001}, "steps is 1001, expected 1 to 1000"),
            ([], {"respacing": 5}, "respacing is 5, expected a text"),
            ([], {"respacing": "1001"}, "respacing '1001': a section of 1000 steps cannot be divided into 1001"),
            ([], {"eta": 2}, "eta is 2, expected 0 to 1"),
            ([], {"cfg_scale": -1}, "cfg_scale is -1, expected a number of at least 0"),
            ([], {"cfg_interval": [5]}, "cfg_interval is [5], expected [low, high]"),
            ([], {"clip": "yes"}, "clip is 'yes', expected true or false"),
            ([], {"steps": 2, "cfg_scale": 2, "cfg_interval": [5, 9]}, "no timestep of respacing '2' is in"),
            ([], {"steps": 1}, "respacing '1': a single step at timestep 0"),
            (["--respacing", "dpm1"], {}, "ddpm needs at least 2 steps"),
        ]:
            with self.subTest(expected), self.assertRaises(ValueError) as raised:
                torch_dis.settings_in_force(torch_dis.arguments(["model.pt", *options]), asked)
            self.assertIn(expected, str(raised.exception))

    def test_refuses(self):
        self.assertIn("--steps is 5, but dis-eval asks for 6", self.refusal("--steps", "5", steps=6))
        self.assertIn("churn (asked for 1, has None)", self.refusal(churn=1))
        self.assertIn("no 'model' but: ema", self.refusal("--checkpoint-key", "model"))
        self.assertIn("nothing.pt", self.refusal(checkpoint="nothing.pt"))
        self.assertIn("number format of CUDA devices", self.refusal("--dtype", "tf32"))
        self.assertIn("finds no CUDA device", self.refusal_without_cuda())
        self.assertIn("has no classes", self.refusal(checkpoint=self.saved("small"), cfg_scale=2))

    def refusal_without_cuda(self):
        with Session([*self.command(), "--device", "cuda"], {"CUDA_VISIBLE_DEVICES": ""}) as session:
            return session.hello()["message"]

    def test_latents_and_a_decoder(self):
        import torch
        from diffusers import AutoencoderKL

        checkpoint = self.saved("width50")
        with Session(self.command("--steps", "2", checkpoint=checkpoint)) as session:
            ready = session.hello()
            self.assertEqual(ready["latent"], [4, 8, 8])
            self.assertNotIn("image", ready)
            latents = session.make(0, 2, classes=10)
            self.assertEqual((latents.dtype, latents.shape), (np.float32, (2, 4, 8, 8)))

        torch.manual_seed(0)
        decoder = AutoencoderKL(
            block_out_channels=(8, 8), norm_num_groups=4, down_block_types=["DownEncoderBlock2D"] * 2,
            up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4,
        )  # fmt: skip
        decoder.save_pretrained(self.folder / "decoder")
        options = ["--steps", "2", "--decoder", str(self.folder / "decoder"), "--latent-scale", "0.5"]
        with Session(self.command(*options, checkpoint=checkpoint)) as session:
            ready = session.hello()
            self.assertEqual((ready["image"], ready["settings"]["latent_scale"]), ([16, 16, 3], 0.5))
            images = session.make(0, 2, classes=10).astype(int)
        with torch.inference_mode():
            expected = decoder.eval().decode(torch.from_numpy(latents) / 0.5).sample
        expected = (127.5 * expected + 128).clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
        self.assertLessEqual(np.abs(images - expected).max(), 1)
        self.assertIn("decodes 4 channels, but the checkpoint makes 1", self.refusal(*options[2:]))

    def test_ends_while_sampling(self):
        with Session(self.command("--respacing", "1000")) as session:
            session.hello()
            session.request(0, 64, classes=10)
            time.sleep(1)
            begin = time.monotonic()
            session.process.stdin.close()
            self.assertEqual(session.process.wait(10), 0)
            self.assertLess(time.monotonic() - begin, 3)

    def test_says_if_a_sample_is_not_finite(self):
        import torch

        state = synthetic_state("small")
        state["final_layer.linear.bias"][:] = 3e38
        torch.save(state, self.folder / "wild.pt")
        with Session(self.command("--steps", "2", checkpoint=self.folder / "wild.pt")) as session:
            session.hello()
            session.request(5, 2)
            self.assertIn("sample 5 has values that are not finite", session.error())


class DiffusersTests(ModelTestCase):
    packages = ("torch", "diffusers")

    def test_pipeline(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, HERE / "make_tiny_pipeline.py", folder], check=True, capture_output=True)
            command = [sys.executable, str(HERE / "torch_diffusers.py"), folder, "--device", "cpu", "--steps", "3"]
            with Session(command) as session:
                ready = session.hello()
                self.assertEqual((ready["image"], ready["settings"]["steps"]), ([8, 8, 3], 3))
                self.assertEqual(ready["settings"]["pipeline"], "DDPMPipeline")
                weights = pathlib.Path(folder, "unet/diffusion_pytorch_model.safetensors").read_bytes()
                self.assertEqual(ready["weights_sha256"], hashlib.sha256(weights).hexdigest())
                batch = session.make(60, 7).astype(int)
                alone = session.make(64, 1).astype(int)
                self.assertLessEqual(np.abs(alone[0] - batch[4]).max(), 1)
                self.assertEqual(len(np.unique(batch.reshape(7, -1), axis=0)), 7)
                self.assertEqual(session.stop(), 0)
            with Session(command) as session:
                self.assertIn("steps (asked for 5, has 3)", session.hello(settings={"steps": 5})["message"])
            with Session([*command, "--cfg-scale", "2"]) as session:
                self.assertIn("DDPMPipeline has no guidance_scale", session.hello()["message"])
            with Session([*command[:2], f"{folder}/nothing"]) as session:
                self.assertIn(f"{folder}/nothing: ", session.hello()["message"])

    def test_pipeline_with_classes(self):
        import torch
        from diffusers import AutoencoderKL, DDIMScheduler, DiTPipeline, DiTTransformer2DModel

        torch.manual_seed(0)
        transformer = DiTTransformer2DModel(
            num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=1, sample_size=4,
            patch_size=2, num_embeds_ada_norm=1000, norm_num_groups=4,
        )  # fmt: skip
        decoder = AutoencoderKL(
            block_out_channels=(8, 8), norm_num_groups=4, down_block_types=["DownEncoderBlock2D"] * 2,
            up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            DiTPipeline(transformer, decoder, DDIMScheduler()).save_pretrained(folder)
            command = [sys.executable, str(HERE / "torch_diffusers.py"), folder, "--device", "cpu", "--cfg-scale", "2"]
            with Session(command) as session:
                ready = session.hello(settings={"steps": 2})
                self.assertEqual((ready["image"], ready["classes"]), ([8, 8, 3], 1000))
                self.assertEqual(ready["settings"]["cfg_scale"], 2)
                batch = session.make(60, 3, classes=1000).astype(int)
                alone = session.make(61, 1, classes=1000).astype(int)
                self.assertLessEqual(np.abs(alone[0] - batch[1]).max(), 1)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(argv=[argument for argument in sys.argv if argument != "--without-torch"])
