"""Writes small valid and hostile inputs for every target of scripts/fuzz, one folder for each.

They come from the fixtures of the tests and from the code below, and need the standard library alone.
Usage: seeds.py FOLDER
"""

import gzip
import hashlib
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTS = ROOT / "Tests"
# Larger inputs make every execution slower and are rarely shortened.
LARGEST = 40_000


class Seeds:
    """A folder of seeds, each named by its content."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def add(self, target, data):
        if isinstance(data, str):
            data = data.encode()
        if len(data) > LARGEST:
            return
        path = self.folder / target / hashlib.sha1(data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def add_files(self, target, *patterns):
        for pattern in patterns:
            for path in sorted(TESTS.glob(pattern)):
                if path.is_file():
                    self.add(target, path.read_bytes())


# Arrays -----------------------------------------------------------------------------------------


def npy(descr, shape, data, fortran=False):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def doubles(*values):
    return struct.pack(f"<{len(values)}d", *values)


MEAN = npy("<f8", "(2,)", doubles(1, 2))
COVARIANCE = npy("<f8", "(2, 2)", doubles(2, 0.5, 0.5, 1))
ROWS = npy("<f4", "(3, 2)", struct.pack("<6f", 1, 2, 3, 4, 5, 7))
PIXELS = npy("|u1", "(2, 2, 2, 3)", bytes(range(24)))
CLASSES = npy("<i8", "(2,)", struct.pack("<2q", 3, 9))


def archive(entries, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in entries.items():
            file.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return buffer.getvalue()


def parts(*data):
    """Parts in the form of Input.parts: a length before each but the last."""
    return b"".join(struct.pack(">H", len(part)) + part for part in data[:-1]) + data[-1]


def add_arrays(seeds):
    for array in (MEAN, COVARIANCE, ROWS, PIXELS, CLASSES,
                  npy(">f2", "(2, 1)", b"\x3c\x00\x40\x00", fortran=True),
                  npy("|b1", "()", b"\x01"), npy("<u4", "(0, 5)", b"")):
        seeds.add("npy", array)
        seeds.add("labels", array)
    seeds.add_files("npy", "CheckpointsTests/Fixtures/arrays/*.npy")
    statistics = {"mu.npy": MEAN, "sigma.npy": COVARIANCE}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for entries in (statistics, {**statistics, "features.npy": ROWS}, {"feats.npy": ROWS},
                        {"reps.npy": ROWS}, {"arr_0.npy": PIXELS, "arr_1.npy": CLASSES},
                        {**statistics, "mu_s.npy": MEAN, "sigma_s.npy": COVARIANCE}):
            for target in ("npz", "zip", "statistics", "image-source", "inspect"):
                seeds.add(target, archive(entries, method))
    seeds.add_files("npz", "*/Fixtures/*.npz", "*/Fixtures/*/*.npz")
    seeds.add_files("statistics", "DisEvalTests/Fixtures/**/*.pkl", "DisEvalTests/Fixtures/**/*.pt",
                    "DisEvalTests/Fixtures/**/*.npz")
    seeds.add("statistics-arrays", parts(MEAN, COVARIANCE, ROWS))
    seeds.add("statistics-arrays", parts(
        npy("<f4", "(1,)", b"\0\0\x80\x3f"), npy("<f4", "(1, 1)", b"\0\0\x80\x3f"), b""))
    seeds.add("image-arrays", parts(PIXELS, CLASSES))
    seeds.add("image-arrays", parts(npy("|u1", "(2, 2, 2, 1)", bytes(8), fortran=True), CLASSES))


# Checkpoints ------------------------------------------------------------------------------------


def add_checkpoints(seeds):
    with zipfile.ZipFile(TESTS / "CheckpointsTests/Fixtures/hostile.zip") as hostile:
        for name in hostile.namelist():
            data = hostile.read(name)
            if len(data) > 4096:
                continue
            kind = name[0]
            if kind == "F":
                seeds.add("npy", data)
            elif kind == "E":
                seeds.add("safetensors", data)
            elif data[:2] == b"PK":
                seeds.add("torch", data)
                seeds.add("zip", data)
                add_pickle_of(seeds, data)
            else:
                seeds.add("torch", data)
    seeds.add_files("torch", "CheckpointsTests/Fixtures/torch/*", "CheckpointsTests/Fixtures/*.pt")
    seeds.add_files("safetensors", "CheckpointsTests/Fixtures/*.safetensors")
    for path in TESTS.glob("CheckpointsTests/Fixtures/torch/*"):
        add_pickle_of(seeds, path.read_bytes())
    add_inspected(seeds)
    for protocol in range(2, 6):
        for value in ({"a": [1, 2.5, None, True], "b": (b"bytes", "text")}, [], {"c": {"d": {1, 2}}}):
            seeds.add("pickle", pickle.dumps(value, protocol))
    for pattern in ("DisEvalTests/Fixtures/**/*.pkl", "ImagesTests/Fixtures/**/data_batch_1",
                    "ImagesTests/Fixtures/hostile_cifar/*", "ImagesTests/Fixtures/cifar*/*"):
        seeds.add_files("pickle", pattern)
        seeds.add_files("statistics", pattern)


def add_pickle_of(seeds, data):
    """Adds the pickle within a file of torch."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            for name in file.namelist():
                if name.endswith("/data.pkl") and file.getinfo(name).file_size < 8192:
                    seeds.add("torch-pickle", file.read(name))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, ValueError,
            EOFError, zipfile.zlib.error):
        pass


def add_inspected(seeds):
    for target in ("torch", "safetensors", "npy", "npz"):
        for path in sorted((seeds.folder / target).iterdir())[::5]:
            seeds.add("inspect", path.read_bytes())


# Graphs -----------------------------------------------------------------------------------------


def varint(value):
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def field(number, data):
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    return varint(number << 3 | 2) + varint(len(data)) + data


def node(name, operation, *inputs, **attributes):
    data = field(1, name.encode()) + field(2, operation.encode())
    data += b"".join(field(3, text.encode()) for text in inputs)
    for key, value in attributes.items():
        data += field(5, field(1, key.encode()) + field(2, value))
    return field(1, data)


def constant(name, shape, values):
    extents = b"".join(field(2, field(1, extent)) for extent in shape)
    tensor = field(1, 1) + field(2, extents) + field(4, values)
    return node(name, "Const", dtype=field(6, 1), value=field(8, tensor))


def add_graphs(seeds):
    ones = struct.pack("<4f", 1, 1, 1, 1)
    strides = field(1, field(3, b"\1\2\2\1"))
    convolution = node("conv", "Conv2D", "input", "conv/conv2d_params", strides=strides,
                       padding=field(2, b"VALID"))
    seeds.add("graph", constant("c", [2, 2], ones))
    seeds.add("graph", constant("c", [4], ones[:4]))
    seeds.add("graph", constant("conv/conv2d_params", [1, 1, 2, 2], ones) + convolution)
    seeds.add("graph", node("pool_3", "AvgPool", "mixed_10/join", ksize=field(1, field(
        3, b"\1\x08\x08\1")), padding=field(2, b"VALID"), epsilon=b"\x25\0\0\0\0", flag=field(5, 1)))
    # The first nodes of a whole network: the end of a graph may be anywhere.
    whole = (TESTS / "FeatureExtractorsTests/Fixtures/thin.pb").read_bytes()
    for length in nodes_up_to(whole, LARGEST)[::40]:
        seeds.add("graph", whole[:length])


def nodes_up_to(data, limit):
    """The offsets at which nodes end."""
    ends, offset = [], 0
    while offset < min(len(data), limit):
        offset += 1
        length = shift = 0
        while True:
            byte = data[offset]
            offset += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        offset += length
        ends.append(offset)
    return ends


# Images -----------------------------------------------------------------------------------------


def add_images(seeds):
    seeds.add_files("png", "ImagesTests/Fixtures/png/*.png", "ImagesTests/Fixtures/hostile/*")
    seeds.add_files("jpeg", "ImagesTests/Fixtures/jpeg/*.jpg", "ImagesTests/Fixtures/hostile_jpeg/*")
    seeds.add_files("webp", "ImagesTests/Fixtures/webp/*.webp")
    seeds.add_files("bmp", "ImagesTests/Fixtures/bmp/*.bmp")
    seeds.add_files("pnm", "ImagesTests/Fixtures/pnm/*.p?m")
    for name, target in (("BMPMalformed", "bmp"), ("PNMMalformed", "pnm"), ("WebPMalformed", "webp")):
        seeds.add_files(target, f"ImagesTests/Fixtures/hostile_formats/{name}/*")
    idx = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 4) + bytes(range(24))
    seeds.add("image-source", idx)
    seeds.add("image-source", gzip.compress(idx, mtime=0))
    seeds.add("image-source", PIXELS)
    picture = (TESTS / "ImagesTests/Fixtures/png/one_pixel.png").read_bytes()
    labels = json.dumps({"labels": [["a/b.png", 3], ["c.png", 1]]})
    seeds.add("image-source", archive({"a/b.png": picture, "c.png": picture, "dataset.json": labels}))
    seeds.add_files("image-source", "ImagesTests/Fixtures/**/*.zip", "ImagesTests/Fixtures/**/*.gz",
                    "ImagesTests/Fixtures/**/data_batch_1", "ImagesTests/Fixtures/hostile_cifar/*")
    seeds.add("cifar-binary", bytes([9]) + bytes(3072))
    seeds.add("cifar-binary", bytes([9]) + bytes(3072) + bytes([1]) + bytes(3072))
    seeds.add("cifar-binary", bytes([19, 99]) + bytes(3072))
    for name in ("é.png", "e\u0301.png"):
        seeds.add("data-set-labels", json.dumps(
            {"labels": [["00000/a.png", 0], ["00000/b.png", 7], [name, 1]]}, ensure_ascii=name == "é.png"))
    seeds.add("data-set-labels", '{"labels": null}')
    seeds.add("data-set-labels", '{"labels": [["00000/a.png", [0.5, -1e3]]]}')


# Documents --------------------------------------------------------------------------------------

DIGITS = "0123456789abcdef" * 4
METRIC = {"value": 2.5, "interval": None, "higher_is_better": False}
# The values without each of twenty groups.
JUDGED = {**METRIC, "jackknife": {
    "groups": 20, "values": [2.5 + 0.01 * (-1)**group for group in range(20)]}}
MODEL = {"variant": "custom", "embed_dim": 8, "depth": 2, "patch_size": 2, "channels": 3,
         "image_side": 8, "learn_sigma": False, "skip": True, "gflops": 0.25}
EXTRACTOR = {"name": "inception-2015", "file": "a.pth", "sha256": "e1", "dimension": 2048}
PROVENANCE = {
    "dialect": "tf", "num": 50, "tool": "dis-eval 0", "kernels": "k", "warnings": ["careful"],
    "checkpoint": {"file": "c.pt", "sha256": "ck", "format": "torch", "model": MODEL},
    "extractor": EXTRACTOR,
    "reference": {"file": "r.npz", "sha256": "r1", "count": 9, "dialect": "tf"},
    "sampler": {"name": "ddim", "prediction": "epsilon", "respacing": "50", "steps": 50,
                "evaluations": 50, "eta": 0, "cfg_interval": None, "cfg_scale": 1.5,
                "cfg_channels": "all", "clip": False, "seed": 0, "stream": "s1",
                "labels": "uniform", "quantizer": "dit"}}


def result(seed=0, **metrics):
    provenance = {**PROVENANCE, "sampler": {**PROVENANCE["sampler"], "seed": seed}}
    return {
        "schema": "dis-eval-result/1", "metrics": metrics or {"fid": METRIC},
        "skipped": {"kid": "no rows"}, "provenance": provenance, "samples_sha256": None,
        "run": {"arguments": ["fid"], "threads": 1, "batch": 1, "seconds": 2.5,
                "started": "2026-01-02T03:04:05Z", "host": "h"}}


DOCUMENTS = [
    result(), result(2**64 - 1, fid=JUDGED, sfid={**METRIC, "bias": 0.5}),
    {"schema": "dis-eval-repeats/1", "results": [result(0), result(8)], "summaries": []},
    {"schema": "dis-eval-baseline/1", "metrics": {"fid": METRIC}, "provenance": PROVENANCE,
     "samples_sha256": DIGITS,
     "update": {"reason": "r", "date": "2026-01-02T03:04:05Z", "commit": "c", "verdict": "pass"}},
    {"schema": "dis-eval-gate/1", "verdict": "cannot_say", "result": "r.json", "num": 5,
     "baseline": "b.json", "alpha": 0.05,
     "differences": [{"field": "a.b", "candidate": "x", "baseline": "y"}],
     "checks": [{"metric": "fid", "kind": "baseline", "verdict": "worse", "reason": "r", "value": 1.5,
                 "interval": [1, 2], "limit": 1,
                 "comparison": {"difference": 1, "standard_error": 0.5, "paired": True, "degrees": 9,
                                "tolerance": 0, "p_worse": 0.1, "p_pass": 0.9},
                 "samples_factor": 2}]},
    {"schema": "dis-eval-benchmark/2", "kernels": "k", "threads": 1,
     "measurements": [{"name": "inception", "unit": "images", "per_second": 3.5,
                       "giga_operations": 11.5, "peak_gflops": 100}]},
]
RECORD = {
    "schema": "dis-eval-statistics/1", "dataset": {"name": "d", "split": "train"}, "count": 60000,
    "ddof": 1, "dialect": "tf", "extractor": EXTRACTOR, "features": 5000, "resolution": 32,
    "floor": {"count": 10, "data": "test split", "value": 0.5}, "npz_sha256": DIGITS,
    "labels": {"classes": 2, "counts": [3, 4]}, "tool": "dis-eval 0.1.0"}
RUN = {
    "schema": "dis-eval-run/1", "unit": 32, "counts": [50, 100],
    "configuration": {"tool": "t", "kernels": "k", "checkpoint": PROVENANCE["checkpoint"],
                      "sampler": PROVENANCE["sampler"], "extractor": EXTRACTOR,
                      "kept": {"preparations": ["pytorch"], "features": 2, "logits": 1, "spatial": 0,
                               "labels": True, "images": True, "extents": [1, 2, 3]}},
    "scoring": {"reference": "/r.npz", "optional_metrics": ["fid"], "allows_mismatch": False}}
ENTRY = {"schema": "dis-eval-ledger/1", "key": "k", "name": "n", "family": "f",
         "metrics": {"fid": METRIC}, "num": 5, "date": "2026-01-02T03:04:05Z",
         "training": {"step": 7, "batch": 8}}


def drawn_entry(step):
    """An entry of a ledger with everything that can be drawn."""
    return {**ENTRY, "key": f"k{step}", "metrics": {"fid": {
        "value": 9 / (step + 1), "interval": [8 / (step + 1), 10 / (step + 1)],
        "higher_is_better": False}},
        "training": {"step": 10**step, "images": 10**step, "gflops": 1e9 * 10**step},
        "parameters": 10**(step + 3), "gflops": {"true": 2.0**step, "thop": 1.5**step},
        "tokens": 4**step, "sampler": {
            "name": "ddim", "steps": 10 + step, "evaluations": 10, "network_evaluations": 20,
            "eta": 0, "cfg_scale": 1 + step / 2, "seed": step}}


POLICIES = [
    "schema: dis-eval-policy/1\nalpha: 0.05\nmetrics:\n  fid:\n    min: 1 # low\n    tolerance: 5%\n",
    json.dumps({"schema": "dis-eval-policy/1", "alpha": 0.01, "tolerance": "2%",
                "min_samples": 50000, "require_paired": True, "baseline": "b.json",
                "metrics": {"fid": {"min": 1, "max": 3}}}),
    "%YAML 1.2\n---\nschema: !!str 'dis-eval-policy/1'\nbaseline: |\n  text\n  more\n...\n",
    "schema: dis-eval-policy/1\nmetrics: {fid: {max: 0x10}, ? [a] : b}\n",
]
LISTS = [
    "checkpoint,name,step,family\n/dev/null,a,7,f\n/dev/null, \"b\"\"c\" ,,\n",
    "generator,name\n\"python3 'a b' c\\ d\",n\n",
    json.dumps([{"checkpoint": "/dev/null", "name": "a", "step": 5},
                {"generator": "g", "name": "n", "batch": None}]),
]


def add_documents(seeds):
    for document in DOCUMENTS:
        for indent in (None, 1):
            seeds.add("document", json.dumps(document, indent=indent))
        seeds.add("inspect", json.dumps(document))
    seeds.add("statistics-record", json.dumps(RECORD))
    seeds.add("statistics-record", (ROOT / "reference_stats/fashion-mnist-train.json").read_text())
    registry = json.loads((ROOT / "reference_stats/registry.json").read_text())
    for start in range(0, len(registry["entries"]), 20):
        seeds.add("registry", json.dumps({**registry, "entries": registry["entries"][start:start + 2]}))
    seeds.add("run-record", json.dumps(RUN))
    seeds.add("ledger", json.dumps(ENTRY) + "\n" + json.dumps({**ENTRY, "key": "l"}) + "\r\n\n")
    seeds.add("ledger", "<<<<<<< HEAD\n" + json.dumps(ENTRY) + "\n")
    for axis in range(10):
        seeds.add("plot", bytes([axis, axis]) + b"".join(
            json.dumps(drawn_entry(step)).encode() + b"\n" for step in range(6)))
    judged = json.dumps(result(0, fid=JUDGED)).encode()
    seeds.add("gate", parts(POLICIES[0].encode(), judged, judged))
    seeds.add("gate", parts(POLICIES[1].encode(), judged, json.dumps(result(1)).encode()))
    for policy in POLICIES:
        seeds.add("policy", policy)
    for text in LISTS:
        seeds.add("sweep-list", text)
    state = {"size": 1, "device": 2, "inode": 3, "modifiedNanoseconds": 4}
    seeds.add("hashes", json.dumps({"schema": "dis-eval-hashes/1",
                                    "files": {"/a": {"state": state, "sha256": DIGITS}}}))
    for command in ("python3 make.py --ckpt 'a b.pt'", "a \"b \\\" c\" d\\ e", "'é' \"\""):
        seeds.add("command", command)


# Runs -------------------------------------------------------------------------------------------


def safetensors(tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def unit(count, **more):
    tensors = {
        "labels": ("I64", [count], struct.pack(f"<{count}q", *range(count))),
        "sha256": ("U8", [count, 32], bytes(32 * count)),
        "means": ("U8", [count, 4], bytes(4 * count)),
        "pytorch.features": ("F32", [count, 2], bytes(8 * count)),
        "pytorch.logits": ("F32", [count, 1], bytes(4 * count)),
        "pytorch.spatial": ("F32", [count, 1], bytes(4 * count)),
        "images": ("U8", [count, 1, 2, 3], bytes(6 * count)),
        **({"state.x": ("F32", [1], bytes(4))} if more else {})}
    return safetensors(tensors, {"schema": "dis-eval-unit/1", "first": "4", "count": str(count),
                                 "configuration": "c", **more, "sha256": DIGITS})


def accumulated(count):
    return safetensors(
        {"sha256": ("U8", [count, 32], bytes(32 * count)),
         "extents": ("I64", [count, 2], struct.pack(f"<{2 * count}q", *range(1, 2 * count + 1))),
         "traits": ("U8", [count], bytes(count)),
         "features": ("F32", [count, 2], struct.pack(f"<{2 * count}f", *range(2 * count)))},
        {"schema": "dis-eval-images/1", "count": str(count), "extractor": "two",
         "extractor.sha256": "unknown", "extractor.precision": "float32", "preparations": "pytorch",
         "features": "2", "logits": "0", "spatial": "0", "checksum": DIGITS})


READY = {"type": "ready", "protocol": "dis-eval-generator/1", "name": "s", "version": "1",
         "image": [2, 2, 3], "classes": 10, "differs": "last_bits", "batch": 2, "noise": [3, 2, 2],
         "weights_sha256": DIGITS, "settings": {"steps": 5, "cfg_interval": [0.1, 1]},
         "network_evaluations": 50, "device": "cpu", "stream": "dis-eval-1"}


def add_runs(seeds):
    for count in (0, 1, 2):
        seeds.add("partial-unit", unit(count, **{"state.step": "5"}))
        seeds.add("unit", unit(count))
        seeds.add("safetensors", unit(count))
        seeds.add("accumulator", accumulated(count))
    frame = {"type": "frame", "first": 0, "count": 2, "bytes": len(PIXELS),
             "sha256": hashlib.sha256(PIXELS).hexdigest()}
    talk = (json.dumps(READY) + "\n" + json.dumps(frame) + "\n").encode() + PIXELS
    seeds.add("answers", talk)
    seeds.add("answers", talk + (json.dumps(frame) + "\n").encode() + PIXELS)
    seeds.add("answers", json.dumps({"type": "error", "message": "m"}) + "\n")


def main():
    seeds = Seeds(sys.argv[1])
    for add in (add_arrays, add_graphs, add_images, add_documents, add_runs, add_checkpoints):
        add(seeds)


if __name__ == "__main__":
    main()
