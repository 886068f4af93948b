"""Compares what dis-eval loads of changed files with what PyTorch, safetensors and NumPy load.

Changes valid files at random, has both sides read each, and compares names, types, shapes and bytes of
all tensors. What dis-eval refuses is counted. What it loads and the other side refuses is listed by
kind; ACCEPTED says which of these kinds are meant. Anything else, a difference and a crash of dis-eval
are failures, and their files are kept.

Needs the packages of requirements.txt, and the program that `scripts/fuzz --list` builds.

    differential.py [--count N] [--seed N] [--program FILE] [--keep FOLDER]
"""

import argparse
import collections
import hashlib
import io
import json
import os
import pathlib
import pickle
import random
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import types
import warnings
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build-fuzz/package/.build/release/fuzz-readers"
CHECKPOINTS = ROOT / "Tests/CheckpointsTests/Fixtures"
# A file that takes longer is one that a program hangs on.
LONGEST = 20

# What dis-eval loads on purpose although the other side refuses it: the format, a pattern of the
# message, and the reason, which the comments of Sources/Checkpoints give too.
ACCEPTED = [
    (".pt", r"invalid literal for int\(\)",
     "PyTorch reads the entry .storage_alignment, which says nothing about the tensors."),
    (".pt", r"^UnicodeDecodeError",
     "Texts are kept as bytes, and only names must be UTF-8."),
    (".pt", r"^(TypeError|ValueError|AttributeError)",
     "Calls are never made. A call with other arguments matters only if it should make a tensor."),
    (".npz", r"NotImplementedError: zip file version",
     "The version that an entry claims to need is not read; nothing newer than zip64 is accepted."),
    (".pt", r"^UnpicklingError: NEWOBJ class argument must be a type",
     "Calls are never made, and an object of an unknown class is inert whatever made it."),
    (".pt", r"A load persistent id instruction was encountered",
     "The facts that precede a file of PyTorch 1.5 and older say nothing about the tensors."),
    (".pt", r"^AssertionError: expected dict, got Inert",
     "The metadata of a tensor, such as conjugation, is not read."),
    (".pt", r"Couldn't parse the version|Attempted to read a PyTorch file with version",
     "The version has the attribute of a folder, so that PyTorch leaves it empty and reads whatever "
     "is in memory there. dis-eval reads the content, checks its CRC, and refuses other versions."),
    (".pt", r"GLOBAL torch\.[a-z]+[0-9]+ was not an allowed global",
     "A tensor of an unknown type is refused alone; the others are read."),
]


# The other side ---------------------------------------------------------------------------------


def digest(data):
    return hashlib.sha256(data).hexdigest()


def line(keys, kind, shape, data):
    return {"keys": keys, "type": kind, "shape": list(shape), "sha256": digest(data)}


def in_words(error):
    """An error on one line. What PyTorch's unpickler refuses comes after advice."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[max(text.find('WeightsUnpickler error'), 0):]}"[:300]


def array_line(keys, array):
    import numpy
    little = numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return line(keys, array.dtype.name, array.shape, little.tobytes())


def tensor_line(keys, tensor):
    import torch
    plain = tensor.detach().cpu().contiguous()
    if plain.numel() == 1:
        # It is contiguous whatever its strides.
        plain = plain.as_strided((1,), (1,))
    data = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return line(keys, str(tensor.dtype).removeprefix("torch."), tensor.shape, data)


class Inert:
    """Takes the place of an object whose class does not matter."""

    def __new__(cls, *_, **__):
        return object.__new__(Inert)

    def __init__(self, *_, **__):
        pass

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass


def tolerant(make):
    """A function that makes a tensor, or something inert of one that PyTorch refuses."""
    def made(*arguments):
        if make.__name__.startswith("_rebuild_tensor") and len(arguments) > 4:
            # Whether it has a gradient says nothing about a tensor, and not all types can have one.
            arguments = (*arguments[:4], False, *arguments[5:])
        try:
            return make(*arguments)
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
            return Inert()
    return made


class CautiousUnpickler(pickle.Unpickler):
    """Makes tensors and dictionaries, and an inert object of everything else, as dis-eval does."""

    def find_class(self, module, name):
        known = "|".join([
            r"collections\.OrderedDict", r"torch\._utils\._rebuild_[a-z0-9_]+",
            r"torch\.storage\.UntypedStorage", r"torch\.[A-Z][A-Za-z]*Storage",
            r"torch\.[a-z]+[0-9]*", r"numpy\.(_core|core)\.multiarray\._reconstruct",
            r"numpy\.(ndarray|dtype)", r"_codecs\.encode"])
        if re.fullmatch(known, f"{module}.{name}"):
            try:
                found = super().find_class(module, name)
            except AttributeError:
                return Inert
            return tolerant(found) if name.startswith(("_rebuild_", "_reconstruct")) else found
        return Inert


CAUTIOUS = types.SimpleNamespace(Unpickler=CautiousUnpickler, load=lambda file, **options:
                                 CautiousUnpickler(file, **options).load(), __name__="cautious")


def loaded_by_torch(path):
    """What PyTorch loads, by its own unpickler.

    That refuses a file for one class, one tensor or protocol 4. Ours then finds what else there is.
    """
    import torch
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, TypeError, ValueError, AttributeError):
        return torch.load(path, map_location="cpu", weights_only=False, pickle_module=CAUTIOUS)


def read_torch(path):
    import numpy
    import torch
    found, seen = [], 0

    def visit(value, keys):
        nonlocal seen
        seen += 1
        if seen > 20_000:
            return
        if isinstance(value, torch.Tensor):
            found.append(tensor_line(keys, value))
        elif isinstance(value, numpy.ndarray) and value.dtype.kind in "fiub":
            found.append(array_line(keys, value))
        elif isinstance(value, dict) and len(keys) < 14:
            for key, inner in value.items():
                if isinstance(key, str):
                    visit(inner, keys + [key])

    visit(loaded_by_torch(path), [])
    return found


SAFETENSORS_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32",
    "U16": "uint16", "U8": "uint8", "BOOL": "bool"}


def read_safetensors(path):
    import safetensors
    return [
        line([name], SAFETENSORS_TYPES.get(entry["dtype"], entry["dtype"]), entry["shape"],
             bytes(entry["data"]))
        for name, entry in safetensors.deserialize(pathlib.Path(path).read_bytes())]


def read_npy(path):
    import numpy
    with open(path, "rb") as file:
        array = numpy.lib.format.read_array(file, allow_pickle=False)
    return [array_line([], array)]


def read_npz(path):
    import numpy
    with numpy.load(path, allow_pickle=False) as file:
        found = []
        for name in file.files:
            try:
                value = file[name]
            except Exception as error:
                found.append({"keys": [name], "code": in_words(error)})
                continue
            # NumPy gives the bytes of an entry that does not begin as an array does.
            if isinstance(value, numpy.ndarray):
                found.append(array_line([name], value))
            else:
                found.append({"keys": [name], "code": "does not begin as an array does"})
        return found


READERS = {".pt": read_torch, ".safetensors": read_safetensors, ".npy": read_npy, ".npz": read_npz}


def serve_reference():
    """Prints what the other side loads of every file whose path is a line of standard input."""
    import argparse as standard
    import resource

    import torch
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.serialization.add_safe_globals([standard.Namespace])
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    for text in sys.stdin:
        path = text.rstrip("\n")
        try:
            contents = {"tensors": READERS[os.path.splitext(path)[1]](path)}
        except Exception as error:
            contents = {"code": in_words(error)}
        print(json.dumps(contents), flush=True)


# Two programs that answer one line of JSON for a path ---------------------------------------------


class Side:
    """A program that reads files, started again if it ends."""

    def __init__(self, command):
        self.command = command
        self.process = None

    def read(self, path):
        """What the program says about a file, or None if it ended or hangs."""
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
        try:
            self.process.stdin.write(f"{path}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self.end()
        ready, _, _ = select.select([self.process.stdout], [], [], LONGEST)
        answer = self.process.stdout.readline() if ready else ""
        return json.loads(answer) if answer.endswith("\n") else self.end()

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        return None


# Changes -------------------------------------------------------------------------------------------

NUMBERS = [0, 1, 2, 4, 7, 8, 16, 127, 128, 255, 256, 1000, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1,
           2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


class Changer:
    """Changes bytes at random."""

    def __init__(self, source):
        self.random = source

    def changed(self, data):
        data = bytearray(data)
        for _ in range(1 + min(int(self.random.expovariate(2)), 8)):
            if data:
                self.random.choice(self.changes)(self, data)
        return bytes(data)

    def place(self, data):
        # Headers are at the beginning, and are what is interesting.
        end = min(len(data), 512) if self.random.random() < 0.5 else len(data)
        return self.random.randrange(end)

    def flip(self, data):
        data[self.place(data)] ^= 1 << self.random.randrange(8)

    def replace(self, data):
        data[self.place(data)] = self.random.randrange(256)

    def number(self, data):
        size = self.random.choice([1, 2, 4, 8])
        at = self.place(data)
        value = self.random.choice(NUMBERS) % 256**size
        data[at:at + size] = value.to_bytes(size, self.random.choice(["little", "big"]))

    def digits(self, data):
        """Replaces a decimal number in a text."""
        found = list(re.finditer(rb"[0-9]+", bytes(data[:4096])))
        if found:
            one = self.random.choice(found)
            data[one.start():one.end()] = str(self.random.choice(NUMBERS[:16])).encode()

    def remove(self, data):
        at = self.place(data)
        del data[at:at + self.random.randint(1, 8)]

    def insert(self, data):
        at = self.place(data)
        data[at:at] = self.random.randbytes(self.random.randint(1, 8))

    def repeat(self, data):
        at, to = self.place(data), self.place(data)
        data[to:to] = data[at:at + self.random.randint(1, 64)]

    def move(self, data):
        """Overwrites bytes with others of the file."""
        at, to = self.place(data), self.place(data)
        part = data[at:at + self.random.randint(1, 32)]
        data[to:to + len(part)] = part

    def cut(self, data):
        del data[self.random.randrange(len(data)):]

    def append(self, data):
        data += self.random.randbytes(self.random.randint(1, 64))

    changes = [flip, flip, replace, replace, number, number, digits, digits, remove, insert, repeat,
               move, move, cut, append]

    def changed_entry(self, archive):
        """Changes an entry of a zip file, and writes its checksum anew, which hides nothing then."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
            names = old.namelist()
            # The pickle of a file of torch, and any array.
            liked = [name for name in names if name.endswith((".pkl", ".npy"))] or names
            one = self.random.choice(liked if self.random.random() < 0.85 else names)
            for info in old.infolist():
                data = old.read(info)
                if info.filename == one:
                    data = self.changed(data)
                new.writestr(zipfile.ZipInfo(info.filename), data, compress_type=info.compress_type)
        return buffer.getvalue()


# Files to change ---------------------------------------------------------------------------------------


def seeds():
    """Small valid files of every format as (suffix, bytes), and hostile ones."""
    import argparse as standard

    import numpy
    import safetensors.torch
    import torch
    files, hostile_files = [], []
    weights = {
        "a.weight": torch.arange(12.0).reshape(3, 4), "a.bias": torch.ones(3, dtype=torch.float64),
        "half": torch.ones(2, 2, dtype=torch.bfloat16), "steps": torch.tensor(7),
        "mask": torch.tensor([True, False]), "empty": torch.zeros(0, 3),
        "bytes": torch.arange(5, dtype=torch.uint8), "small": torch.ones(3, dtype=torch.int8)}
    base = torch.arange(24.0)
    views = {"t": base.reshape(4, 6).t(), "slice": base[3:9], "same": base,
             "wide": torch.ones(1, 3).expand(4, 3), "p": torch.nn.Parameter(torch.ones(2))}
    nested = {"ema": weights, "model": views, "epoch": 3, "args": standard.Namespace(lr=0.1),
              "optimizer": {"state": {0: {"m": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}}
    for value in (weights, views, nested, {"state_dict": weights}):
        for zipped in (True, False):
            for protocol in (2, 4):
                buffer = io.BytesIO()
                torch.save(value, buffer, _use_new_zipfile_serialization=zipped,
                           pickle_protocol=protocol)
                files.append((".pt", buffer.getvalue()))
    plain = {name: value.contiguous().clone() for name, value in weights.items()}
    files.append((".safetensors", safetensors.torch.save(plain, {"format": "pt", "epoch": "3"})))
    files.append((".safetensors", safetensors.torch.save({"x": torch.ones(1)})))
    arrays = [numpy.arange(6).astype(kind).reshape(2, 3) for kind in
              ("<f8", ">f4", "<f2", "<i8", ">i2", "u1", "?")]
    arrays += [numpy.asfortranarray(arrays[0]), numpy.zeros((0, 2)), numpy.array(1.5)]
    for array in arrays:
        buffer = io.BytesIO()
        numpy.save(buffer, array)
        files.append((".npy", buffer.getvalue()))
    for save in (numpy.savez, numpy.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, mu=arrays[0], sigma=arrays[1], text=numpy.array(["a"]), arr_0=arrays[5])
        files.append((".npz", buffer.getvalue()))
    for path in sorted((CHECKPOINTS / "torch").iterdir()):
        if path.stat().st_size < 20_000 and path.suffix in (".pt", ".pth", ".bin", ".ckpt"):
            files.append((".pt", path.read_bytes()))
    with zipfile.ZipFile(CHECKPOINTS / "hostile.zip") as hostile:
        suffixes = {"B": ".pt", "C": ".pt", "D": ".pt", "E": ".safetensors", "F": ".npy"}
        for name in hostile.namelist():
            data = hostile.read(name)
            if name[0] in suffixes and len(data) < 4096:
                hostile_files.append((suffixes[name[0]], data))
    return files, hostile_files


# Comparison ----------------------------------------------------------------------------------------


def by_keys(contents, suffix, state_dicts):
    """The tensors by their keys, for a checkpoint those that are directly in its state dicts."""
    if suffix != ".pt":
        return {tuple(tensor["keys"]): tensor for tensor in contents["tensors"]}
    found = {}
    for keys in state_dicts:
        inside = [tensor for tensor in contents["tensors"] if tensor["keys"][:-1] == keys]
        for tensor in inside:
            found[tuple(tensor["keys"])] = tensor
    return found


def differences(ours, theirs, suffix):
    """What differs between the tensors of both sides, as pairs of the kind and a text."""
    states = ours.get("stateDicts", [])
    mine, other = by_keys(ours, suffix, states), by_keys(theirs, suffix, states)
    for keys, tensor in mine.items():
        if tensor.get("code"):
            continue
        found = other.get(keys) or other.get((*keys[:-1], "module." + keys[-1]) if keys else keys)
        if found is None:
            yield "difference", f"{keys} is there only for dis-eval"
        elif found.get("code"):
            yield "loaded alone", found["code"]
        else:
            for field in ("type", "shape", "sha256"):
                if tensor[field] != found[field]:
                    yield "difference", f"{field} of {keys}: {tensor[field]} and {found[field]}"
    for keys in other:
        bare = (*keys[:-1], keys[-1].removeprefix("module.")) if keys else keys
        if keys not in mine and bare not in mine:
            yield "difference", f"{keys} is not there for dis-eval"


def kind_of(message):
    """A message without what is different in every file."""
    message = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", message.split("\n")[0])
    return re.sub(r"0x[0-9a-f]+|[0-9]+", "N", message)[:110]


class Comparison:
    """Counts of what both sides did."""

    def __init__(self, keep):
        self.keep = pathlib.Path(keep)
        self.counts = collections.Counter()
        self.refused = collections.Counter()
        self.refused_alone = collections.Counter()
        self.loaded_alone = collections.Counter()
        self.tensors = 0
        self.failures = 0

    def add(self, path, suffix, ours, theirs):
        if ours is None:
            self.fail(path, "crash", "dis-eval ended or hangs")
        elif theirs is None:
            self.counts["the other side ended"] += 1
        elif ours.get("code"):
            self.refused[ours["code"]] += 1
            both = bool(theirs.get("code"))
            self.counts["refused by both" if both else "refused by dis-eval alone"] += 1
            if not both:
                self.refused_alone[f"{suffix} {ours['code']}"] += 1
        elif theirs.get("code"):
            loaded = not all(tensor.get("code") for tensor in ours["tensors"])
            self.compared(path, suffix, ours, [("loaded alone", theirs["code"])] if loaded else [])
        else:
            self.compared(path, suffix, ours, list(differences(ours, theirs, suffix)))

    def compared(self, path, suffix, ours, found):
        """Counts a file that dis-eval loads, with what is different for the other side."""
        unexplained = []
        for what, text in found:
            if what == "loaded alone":
                self.loaded_alone[f"{suffix} {kind_of(text)}"] += 1
                if any(suffix == other and re.search(pattern, text)
                       for other, pattern, _ in ACCEPTED):
                    continue
            unexplained.append((what, text))
        if unexplained:
            self.fail(path, *unexplained[0])
        elif found:
            self.counts["loaded by dis-eval alone, as documented"] += 1
        else:
            self.counts["loaded alike"] += 1
            self.tensors += sum("sha256" in tensor for tensor in ours["tensors"])

    def fail(self, path, what, detail):
        self.failures += 1
        self.counts[f"FAILED: {what}"] += 1
        self.keep.mkdir(parents=True, exist_ok=True)
        kept = self.keep / f"{what.replace(' ', '-')}-{path.name}"
        if self.failures <= 200:
            shutil.copyfile(path, kept)
            print(f"{kept}: {detail[:300]}", file=sys.stderr)

    def show(self):
        for title, counter in (
                ("files", self.counts), ("refused by dis-eval, by code", self.refused),
                ("refused by dis-eval alone", self.refused_alone),
                ("loaded by dis-eval alone", self.loaded_alone)):
            print(f"{title}:")
            for name, count in counter.most_common(40):
                print(f"  {count:8} {name}")
        print(f"{self.tensors} tensors compared")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--program", default=str(PROGRAM))
    parser.add_argument("--keep", default=str(ROOT / ".build-fuzz/differential"))
    parser.add_argument("--reference", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reference:
        return serve_reference()

    warnings.simplefilter("ignore")  # zipfile warns of duplicate names
    source = random.Random(options.seed)
    changer, (valid, hostile) = Changer(source), seeds()
    ours = Side([options.program, "--contents"])
    theirs = Side([sys.executable, __file__, "--reference"])
    comparison = Comparison(options.keep)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for number in range(options.count):
            # Every format gets its share, and most changes are to valid files.
            suffix = source.choice(list(READERS))
            choices = valid if source.random() < 0.8 or suffix == ".npz" else hostile
            data = source.choice([data for other, data in choices if other == suffix])
            is_archive = data[:4] == b"PK\3\4"
            try:
                change = changer.changed_entry if is_archive and source.random() < 0.7 else changer.changed
                data = change(data)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError,
                    struct.error):
                data = changer.changed(data)
            path = pathlib.Path(folder) / f"{options.seed}-{number}{suffix}"
            path.write_bytes(data)
            comparison.add(path, suffix, ours.read(path), theirs.read(path))
            path.unlink()
            if number % 5000 == 4999:
                print(f"{number + 1} files, {comparison.failures} failures", file=sys.stderr)
    ours.end()
    theirs.end()
    comparison.show()
    print(f"{options.count - comparison.failures} passed, {comparison.failures} failed")
    return comparison.failures > 0


if __name__ == "__main__":
    sys.exit(main())
