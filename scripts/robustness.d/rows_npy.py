"""Arrays of NumPy, given as the noise that samples start from."""

import hostile
import numpy as np
from builders import npy, safetensors, state
from hostile import header
from runner import Row

COMMAND = "sample --ckpt {demo} --steps 2 --noise"


def refused(table, fault=""):
    for case, what, *other in table:
        file = case.replace("*", "x") + ".npy"
        yield Row(
            case,
            what,
            {file: hostile.cases[case]},
            f"{COMMAND} {file!r} --raw-out samples.npy",
            65,
            *(other or [fault]),
        )


def noise() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(2, 1, 28, 28)).astype("<f4")


def same_as_plain(id, what, content, plain=None):
    """A row for noise in another form, which must give the samples of the same noise in the usual form."""

    def steps(bench):
        for name in "plain", "other":
            bench.expect(
                f"sample --ckpt small.safetensors --sampler ddim --steps 2 --noise {name}.npy --raw-out {name}-out.npy"
            )
        plain, other = ((bench.folder / f"{name}-out.npy").read_bytes() for name in ("plain", "other"))
        assert plain == other, "the samples differ from those of the same noise as float32"

    files = {
        "other.npy": content,
        "plain.npy": npy(noise() if plain is None else plain),
        "small.safetensors": safetensors(state()),
    }
    return Row(id, what, files, "", 0, steps=steps, answer="the same samples")


def as_version(version: tuple[int, int]) -> bytes:
    return hostile.npy(header(shape=str(noise().shape)), noise().tobytes(), version)


def rows():
    yield from refused(
        [
            ("F2-version-1.1", "version 1.1"),
            ("F2-version-9", "version 9"),
            ("F3-header-length", "a header longer than the file"),
            ("F3-header-4g", "a header of 4 GB"),
            ("F4-header-20k", "a header of 20,000 bytes"),
            ("F5-deep", "4,500 parentheses inside each other"),
            ("F6-native", 'a byte order of "="', "NpyUnsupported"),
            ("F6-no-order", 'a byte order of "|" for 4 bytes', "NpyUnsupported"),
            ("F7-object", "an array of objects", "NpyUnsupported"),
            ("F7-record", "an array of records", "NpyUnsupported"),
            ("F7-unicode", "an array of texts", "NpyUnsupported"),
            ("F7-void", "an array of raw bytes", "NpyUnsupported"),
            ("F7-time", "an array of times", "NpyUnsupported"),
            ("F7-complex", "an array of complex numbers", "NpyUnsupported"),
            ("F7-float128", "an array of 128-bit numbers", "NpyUnsupported"),
            ("F9-fortran-1", "a Fortran order of 1 instead of True"),
            *(
                (f"F10-shape-{shape}", f"the shape {shape}")
                for shape in (
                    "(-1,)",
                    "(-4,)",
                    "(4.0,)",
                    "[4]",
                    "(True,4)",
                    "(4L,)",
                    "(0x4,)",
                    "(1_0,)",
                    "(2*2,)",
                    "(4)",
                    "(04,)",
                    "(,)",
                )
            ),
            ("F11-wraps", "dimensions whose product is 0 in 64 bits"),
            ("F11-wraps-to-16", "dimensions whose product is 4 in 64 bits"),
            ("F12-4t", "4 TB in a file of 80 bytes"),
            ("F13-zero-hides-overflow", "a dimension beyond 64 bits beside a dimension of 0"),
            ("F14-rank-65", "65 dimensions"),
            ("F15-zero-width", "10^12 elements without width", "NpyUnsupported"),
            ("F16-cut", "data cut short"),
            ("F17-after", "2 bytes after the data"),
            ("F18-missing-key", "a header without its order"),
            ("F18-extra-key", "an unknown key in the header"),
            ("F18-duplicate-key", "a key twice in the header"),
            ("F18-comment", "a comment in the header"),
            ("F18-call", "a call of a function in the header"),
            ("F18-no-newline", "a header without its line feed"),
            ("F19-pickle", "a pickle named .npy"),
            ("F20-empty", "an empty file"),
            ("F20-magic-only", "the signature alone"),
            ("F20-bad-magic", "another signature"),
        ],
        "NpyMalformed",
    )
    yield same_as_plain("F1-version-2", "version 2.0", as_version((2, 0)))
    yield same_as_plain("F1-version-3", "version 3.0", as_version((3, 0)))
    yield same_as_plain("F6-big-endian", "big-endian numbers", npy(noise().astype(">f4")))
    yield same_as_plain("F9-fortran", "an array in Fortran order", npy(np.asfortranarray(noise())))
    half = noise().astype("<f2")
    yield Row("F8-half", "numbers of 16 bits", {"half.npy": npy(half)}, "inspect half.npy", 0)
    yield Row("F13-zero", "an array without elements", {"zero.npy": npy(noise()[:0])}, "inspect zero.npy", 0)
    yield Row(
        "F21-inspect",
        "data cut short, described",
        {"cut.npy": hostile.cases["F16-cut"]},
        "inspect cut.npy",
        65,
        "NpyMalformed",
    )


SECTIONS = [("Arrays of NumPy", "", list(rows()))]
