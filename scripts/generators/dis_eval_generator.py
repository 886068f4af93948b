"""Makes a sampler a generator: `dis-eval fid --generator 'python3 my_sampler.py'`; see docs/generators.md.

Copy this file beside your sampler and call `serve`. It needs Python 3.9 and NumPy 1.24. Sample i must depend only
on the seed and i: draw its noise from its key, or with `normals`, which gives the numbers of dis-eval bit for bit.
"""

import hashlib
import io
import json
import os
import queue
import sys
import threading
import traceback

import numpy as np

PROTOCOL = "dis-eval-generator/1"
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox(seed, indices, blocks, purpose, step=0):
    """Returns the words of Philox4x32-10 for every index and block: four arrays uint64 [N, blocks]."""
    indices = np.asarray(indices).astype(np.uint64).reshape(-1, 1)
    blocks = np.asarray(blocks).astype(np.uint64) + np.zeros_like(indices)
    c = [blocks, np.uint64(purpose << 24 | step), indices & LOW, indices >> HALF]
    for round in range(10):
        k = [(int(seed) >> 32 * i) + round * add & 0xFFFFFFFF for i, add in enumerate((0x9E3779B9, 0xBB67AE85))]
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [b >> HALF ^ c[1] ^ np.uint64(k[0]), b & LOW, a >> HALF ^ c[3] ^ np.uint64(k[1]), a & LOW]
    return c


def normals(seed, indices, shape, step=None):
    """Returns standard normal numbers, float32 [N, *shape]: x_T, or the noise of a step; step 0 is the noisiest."""
    count = int(np.prod(shape))
    words = philox(seed, indices, np.arange(-(-count // 4)), 0 if step is None else 1, step or 0)
    result = np.empty((*words[0].shape, 4), np.float32)
    for i in (0, 2):
        radius = np.sqrt(-2.0 * _logarithm((words[i] + 0.5) * 2.0**-32))
        cosine, sine = _cosine_and_sine(words[i + 1] * 2.0**-32)
        result[..., i], result[..., i + 1] = radius * cosine, radius * sine
    return result.reshape(len(result), -1)[:, :count].reshape(-1, *shape)


def labels(seed, indices, classes):
    """Returns the class of each sample, int64 [N]."""
    high, low, classes = *philox(seed, indices, [0], 2)[:2], np.uint64(classes)
    return (high * classes + (low * classes >> HALF) >> HALF)[:, 0].astype(np.int64)


def keys(seed, indices):
    """Returns the 64 random bits of each sample, uint64 [N]."""
    high, low = philox(seed, indices, [0], 3)[:2]
    return (high << HALF | low)[:, 0]


# These do the operations of Sources/Diffusion/Philox.swift in the same order, so that all bits are the same.
def _logarithm(x):
    mantissa, exponent = np.frexp(x)
    large = 2.0 * mantissa > 1.4142135623730951
    mantissa, exponent = np.where(large, mantissa, 2.0 * mantissa), np.where(large, exponent, exponent - 1.0)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square, series = s * s, 1.0 / 23.0
    for denominator in range(21, 0, -2):
        series = series * square + 1.0 / denominator
    return exponent * 0.6931471805599453094 + 2.0 * s * series


def _cosine_and_sine(turns):
    quarters = np.floor(turns * 4.0 + 0.5)
    angle = (turns - quarters / 4.0) * 6.2831853071795864769
    square, cosine, sine = angle * angle, 1.0, 1.0
    for k in range(9, 0, -1):
        cosine = 1.0 - cosine * square / ((2 * k - 1) * (2 * k))
        sine = 1.0 - sine * square / ((2 * k) * (2 * k + 1))
    sine, quadrant = sine * angle, quarters.astype(np.int64) & 3
    return np.choose(quadrant, [cosine, -sine, -cosine, sine]), np.choose(quadrant, [sine, cosine, -sine, -cosine])


class _Connection:
    """The channels to and from dis-eval. A thread reads the requests and ends the process when dis-eval is gone."""

    def __init__(self):
        if not os.environ.get("DIS_EVAL_FRAMES", "").isdigit():
            command = f"start it with dis-eval fid --generator 'python3 {sys.argv[0]} ...'"
            sys.exit(f"{sys.argv[0]}: DIS_EVAL_FRAMES is not set, so dis-eval did not start this program; {command}")
        # Programs that are started from here inherit neither channel, and prints appear at once.
        frames, self.requests = int(os.environ["DIS_EVAL_FRAMES"]), os.fdopen(os.dup(0), "rb")
        os.set_inheritable(frames, False)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout.reconfigure(line_buffering=True)
        self.frames, self.queue, self.is_busy, self.status = os.fdopen(frames, "wb"), queue.Queue(), False, 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while line := self.requests.readline():
            try:
                request = {"type": None, **json.loads(line)}
                size = request.get("noise", {}).get("bytes", 0)
                if len(data := self.requests.read(size)) < size:
                    break
            except Exception as error:
                request, data = {"type": f"{line[:80]!r} ({error})"}, b""
            is_end, self.is_busy = request["type"] == "stop" and not self.is_busy, True
            self.queue.put((request, data))
            if is_end:
                return
        os._exit(self.status)

    def next(self, *types):
        request, data = self.queue.get()
        if request["type"] not in types:
            self.refuse(f"found a request of type {request['type']}, expected {' or '.join(types)}")
        return request, data

    def send(self, message, data=b""):
        self.is_busy = False  # The next request may come before write() returns.
        self.frames.write(json.dumps(message).encode() + b"\n" + data)
        self.frames.flush()

    def refuse(self, message):
        self.status = 1
        self.send({"type": "error", "message": message[:5000]})
        sys.exit(1)

    def call(self, function, *arguments):
        """Calls code of the program and reports what it raises. SystemExit with a message is a plain refusal."""
        try:
            return function(*arguments)
        except SystemExit as error:
            return self.refuse(str(error))
        except Exception as error:
            traceback.print_exc()
            return self.refuse(f"{type(error).__name__}: {error}")


def _check(ready, hello):
    """Ends the program if what it says about itself is not possible, or if it does not confirm a setting."""
    image, latent, settings = ready["image"], ready["latent"], ready["settings"] or {}
    extents = image or latent or []
    if bool(image) == bool(latent) or len(extents) != 3 or min(extents) < 1 or image and image[2] not in (1, 3):
        sys.exit(f"image is {image} and latent is {latent}, expected one of image [H, W, 1 or 3] and latent [C, H, W]")
    if ready["differs"] not in ("nothing", "last_bits", "everything"):
        sys.exit(f"differs is {ready['differs']!r}, expected 'nothing', 'last_bits' or 'everything'")
    if not 1 <= ready["batch"] <= 4096:
        sys.exit(f"batch is {ready['batch']}, expected 1 to 4096")
    asked = [(name, value, settings.get(name)) for name, value in (hello.get("settings") or {}).items()]
    wrong = [f"{name} (asked for {value!r}, has {own!r})" for name, value, own in asked if value != own]
    if wrong:
        sys.exit(f"this generator does not confirm the settings {', '.join(wrong)}; leave out these options")


def _answer(sample, request, noise, ready):
    """Returns the samples that a request asks for as the bytes of a .npy file."""
    count, bits = request["count"], np.array([int(key, 16) for key in request["keys"]], np.uint64)
    classes = np.array(request["labels"], np.int64) if ready["classes"] else None
    arguments = [request["first"] + np.arange(count, dtype=np.int64), classes, bits]
    if ready["noise"]:
        if hashlib.sha256(noise).hexdigest() != request["noise"]["sha256"]:
            sys.exit("the noise does not have the SHA-256 of the request")
        arguments.append(np.load(io.BytesIO(noise), allow_pickle=False))
    array, file = np.asarray(sample(*arguments)), io.BytesIO()
    shape, dtype = [count, *(ready["image"] or ready["latent"])], "uint8" if ready["image"] else "float32"
    if array.dtype.name != dtype or list(array.shape) != shape:
        sys.exit(f"sample() returned {array.dtype} {list(array.shape)}, expected {dtype} {shape}")
    if not np.isfinite(array).all():
        sys.exit(f"sample() returned NaN or infinity for samples {request['first']} to {request['first'] + count - 1}")
    np.save(file, np.ascontiguousarray(array))
    return file.getvalue()


def serve(sample, *, name, version="1", image=None, latent=None, classes=None, weights=None, differs, batch=64,
          device=None, network_evaluations=None, settings=None, stream=None, noise=None, configure=None):  # fmt: skip
    """Answers the requests of dis-eval, and returns when it needs no more.

    `sample(indices, labels, keys)` gets int64 [N], int64 [N] or None without `classes`, and uint64 [N], and returns
    uint8 [N, H, W, C], or float32 [N, C, H, W] if `latent` is given. With `noise`, extents [C, H, W], it also gets
    float32 [N, C, H, W]. `weights` is the path of the weights; the other arguments are keys of the message `ready`.
    `configure(hello)` is called first. `hello` has the seed and the settings of the command, among others. It
    returns arguments of this function to replace, in a dictionary, so that a model can be loaded accordingly.
    """
    ready = dict(name=name, version=version, image=image, latent=latent, classes=classes, weights=weights,
                 differs=differs, batch=batch, device=device, network_evaluations=network_evaluations,
                 settings=settings, stream=stream, noise=noise)  # fmt: skip
    connection = _Connection()
    hello, _ = connection.next("hello")
    if hello.get("protocol") != PROTOCOL:
        connection.refuse(f"found protocol {hello.get('protocol')}, expected {PROTOCOL}; use the file of your dis-eval")
    ready.update((configure and connection.call(configure, hello)) or {})
    ready = json.loads(json.dumps(ready, default=lambda value: getattr(value, "item", value.__str__)()))
    connection.call(_check, ready, hello)
    if path := ready.pop("weights"):
        ready["weights_sha256"] = hashlib.sha256(connection.call(np.memmap, path, np.uint8, "r")).hexdigest()
    message = {key: value for key, value in ready.items() if value is not None}
    connection.send({"type": "ready", "protocol": PROTOCOL, **message})
    while (request := connection.next("make", "stop"))[0]["type"] == "make":
        data = connection.call(_answer, sample, *request, ready)
        sizes = {"first": request[0]["first"], "count": request[0]["count"], "bytes": len(data)}
        connection.send({"type": "frame", **sizes, "sha256": hashlib.sha256(data).hexdigest()}, data)
