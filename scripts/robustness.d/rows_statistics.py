"""Reference statistics: archives of mu and sigma."""

import hashlib
import zipfile

import hostile
import numpy as np
from builders import archive, as_json, negated_view, npy, npz, pickled_tensor, torch_file
from hostile import header
from runner import Row

WIDTH = 16
EXTRACTOR = "0" * 64


def features(count=64) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, WIDTH))


MU, SIGMA = features().mean(axis=0), np.cov(features(), rowvar=False)
GOOD = npz(mu=MU, sigma=SIGMA)
FID = "fid --images good.npz --ref ref.npz"


def changed(array, index, value) -> np.ndarray:
    array = array.copy()
    array[index] = value
    return array


def refused(id, what, content, fault="StatsInvalid", **options):
    return Row(id, what, {"ref.npz": content, "good.npz": GOOD}, FID, 65, fault, **options)


def scored(id, what, content, *says, **options):
    return Row(id, what, {"ref.npz": content, "good.npz": GOOD}, FID, 0, says=says, **options)


FAULTS = {"G1-other-names": "ArrayMissing", "G6-complex": "NpyUnsupported"}


def shapes():
    for id, what, arrays, *says in [
        ("G1-no-mu", "no mu", {"sigma": SIGMA}),
        ("G1-no-sigma", "no sigma", {"mu": MU}),
        ("G1-other-names", "m and s instead of mu and sigma", {"m": MU, "s": SIGMA}, "sigma"),
        ("G3-sigma-wide", "16 columns and 8 rows of sigma", {"mu": MU, "sigma": SIGMA[:8]}, "[16]", "[8, 16]"),
        ("G3-sigma-small", "a sigma of 8 dimensions", {"mu": MU, "sigma": SIGMA[:8, :8].copy()}, "[16]", "[8, 8]"),
        ("G3-sigma-diagonal", "a sigma that is a diagonal", {"mu": MU, "sigma": SIGMA.diagonal().copy()}, "[16]"),
        ("G3-mu-scalar", "a mu without dimensions", {"mu": np.float64(1), "sigma": SIGMA}, "[16, 16]"),
        ("G3-mu-row", "a mu of one row", {"mu": MU[None], "sigma": SIGMA}, "[1, 16]"),
        ("G6-bool", "a mu of truth values", {"mu": MU > 0, "sigma": SIGMA}),
        ("G6-complex", "a mu of complex numbers", {"mu": MU.astype(complex), "sigma": SIGMA}),
        ("G6-integer", "a sigma of integers", {"mu": MU, "sigma": (10 * SIGMA).astype(int)}),
        ("G7-nan-sigma", "a sigma with NaN", {"mu": MU, "sigma": changed(SIGMA, (0, 0), np.nan)}),
        ("G7-nan-mu", "a mu with NaN", {"mu": changed(MU, 0, np.nan), "sigma": SIGMA}),
        ("G7-infinite-mu", "a mu with infinity", {"mu": changed(MU, 0, np.inf), "sigma": SIGMA}),
        ("G8-not-symmetric", "a sigma that is not symmetric", {"mu": MU, "sigma": SIGMA + np.eye(WIDTH, k=1)}),
        ("G9-not-positive", "a sigma with negative eigenvalues", {"mu": MU, "sigma": SIGMA - 2 * np.eye(WIDTH)}, "-"),
        ("G9-negative", "a negative sigma", {"mu": MU, "sigma": -SIGMA}),
        ("G11-one-sample", "the covariance of one sample", {"mu": MU, "sigma": np.full_like(SIGMA, np.nan)}),
        ("G15-empty", "arrays without elements", {"mu": MU[:0], "sigma": SIGMA[:0, :0].copy()}),
    ]:
        yield refused(id, what, npz(**arrays), FAULTS.get(id, "StatsInvalid"), says=tuple(says))
    yield refused("G10-largest", "a sigma of 1e308", npz(mu=MU, sigma=SIGMA / SIGMA.max() * 1e308), "Overflow", names="")
    yield refused(
        "G4-dimension",
        "statistics of another dimension",
        npz(mu=MU[:8].copy(), sigma=SIGMA[:8, :8].copy()),
        "DimensionMismatch",
        says=("16", "8"),
        names="ref.npz",
    )
    rows = features().astype("<f4")
    yield refused(
        "G6-negated",
        "rows of torch that are a view that negates what is stored",
        torch_file({"0": rows}, hostile.P + negated_view(pickled_tensor(rows, "0")) + b"."),
        "DtypeUnsupported",
        names="ref.npz",
        says=("neg",),
    )


def containers():
    mu, sigma = npy(MU), npy(SIGMA)
    yield refused(
        "G2-duplicate",
        "two entries mu.npy",
        archive([("mu.npy", mu), ("mu.npy", npy(0 * MU)), ("sigma.npy", sigma)]),
        "DuplicateEntry",
    )
    yield refused(
        "G2-both-names",
        "entries mu.npy and mu",
        archive([("mu.npy", mu), ("mu", npy(0 * MU)), ("sigma.npy", sigma)]),
        "DuplicateEntry",
    )
    yield refused(
        "G2-traversal", "an entry ../../mu.npy", archive([("../../mu.npy", mu), ("sigma.npy", sigma)]), "ZipName"
    )
    yield refused(
        "G2-text", "an entry mu.npy that is text", archive([("mu.npy", b"hello"), ("sigma.npy", sigma)]), "NpyMalformed"
    )
    yield refused(
        "G2-object",
        "an entry mu.npy of objects",
        archive([("mu.npy", hostile.npy(header("|O", shape="(1,)"), b"")), ("sigma.npy", sigma)]),
        "NpyUnsupported",
    )
    yield refused(
        "G2-lzma", "entries compressed by lzma", npz(zipfile.ZIP_LZMA, mu=MU, sigma=SIGMA), "ZipMethodUnsupported"
    )
    yield refused(
        "G2-wrong-checksum", "a changed byte in sigma", GOOD.replace(SIGMA.tobytes()[:8], bytes(8), 1), "CRCMismatch"
    )
    yield refused("G13-bomb", "a mu of 256 MB in 261 kB", bomb, "ZipLimit")
    yield refused(
        "G13-shape",
        "a mu that claims 800 MB in 80 bytes",
        archive([("mu.npy", hostile.npy(header("<f8", shape="(99999999,)"))), ("sigma.npy", sigma)]),
        "NpyMalformed",
    )
    yield refused("G16-text", "text", b"mu sigma\n", "UnsupportedFormat")
    yield refused("G16-empty", "an empty file", b"", "UnsupportedFormat")
    yield refused("G16-pickle", "a pickle that calls os.system", hostile.CODE["A1-os"], "PickleForbidden")
    yield Row("G16-missing", "a file that is not there", {"good.npz": GOOD}, FID, 66, "NotFound", names="ref.npz")


def bomb() -> bytes:
    zeros = hostile.npy(header("<f8", shape="(33554432,)"), bytes(256 << 20))
    return archive([("mu.npy", zeros), ("sigma.npy", npy(SIGMA))], zipfile.ZIP_DEFLATED)


def accepted():
    yield scored(
        "G5-float32",
        "statistics of float32, with a warning",
        npz(mu=MU.astype("f4"), sigma=SIGMA.astype("f4")),
        "float32",
    )
    yield scored(
        "G5-float16",
        "statistics of float16, with a warning",
        npz(mu=MU.astype("f2"), sigma=SIGMA.astype("f2")),
        "float16",
    )
    yield scored("G6-big-endian", "big-endian statistics", npz(mu=MU.astype(">f8"), sigma=SIGMA.astype(">f8")), "fd  0")
    yield scored("G6-fortran", "statistics in Fortran order", npz(mu=MU, sigma=np.asfortranarray(SIGMA)), "fd  0")
    yield scored("G9-rounding", "an eigenvalue that is negative by rounding", npz(mu=MU, sigma=slightly_negative()))
    yield scored("G10-huge", "a sigma of 1e200", npz(mu=MU, sigma=SIGMA * 1e200), "fd  150460483116873")
    yield scored("G10-zero", "a sigma of zeros, with a warning", npz(mu=MU, sigma=0 * SIGMA), "rank")
    yield scored("G10-rank-1", "a sigma of rank 1, with a warning", npz(mu=MU, sigma=np.outer(MU, MU)), "rank")
    yield scored(
        "G11-few",
        "the covariance of 5 samples in 16 dimensions, with a warning",
        npz(mu=features(5).mean(0), sigma=np.cov(features(5), rowvar=False)),
        "rank",
    )
    yield scored("G1-features", "feature rows without a name, of which mean and covariance are computed", npz(arr_0=features()), "fd")
    yield Row(
        "G18-other",
        "a file of something else in the place of a record, with a warning",
        {"ref.npz": GOOD, "ref.json": b"{", "good.npz": GOOD},
        FID,
        0,
        says=("ref.json: not a record of dis-eval",),
    )
    yield scored("G12-unknown", "statistics of an unknown extractor, with a warning", GOOD, "warning")
    yield scored("G17-deflated", "deflated statistics", npz(zipfile.ZIP_DEFLATED, mu=MU, sigma=SIGMA), "fd  0")


def slightly_negative() -> np.ndarray:
    """A covariance whose smallest eigenvalue is -1e-11 of the largest."""
    values, vectors = np.linalg.eigh(SIGMA)
    values[0] = -1e-11 * values[-1]
    matrix = vectors * values @ vectors.T
    return (matrix + matrix.T) / 2


def record(content: bytes, **changes) -> bytes:
    """The .json record of statistics."""
    return as_json(
        {
            "schema": "dis-eval-statistics/1",
            "count": 64,
            "ddof": 1,
            "dialect": "pytorch-fid",
            "features": 0,
            "dataset": {"name": "noise", "split": "train"},
            "tool": "dis-eval 0.1.0",
            "extractor": {"dimension": WIDTH, "name": "other", "preprocessing": "none", "sha256": EXTRACTOR},
            "npz_sha256": hashlib.sha256(content).hexdigest(),
            **changes,
        }
    )


def records():
    other = {"dimension": WIDTH, "name": "other", "preprocessing": "none", "sha256": "1" * 64}
    for id, what, changes, fault in [
        ("G12-other-extractor", "records of different extractors", {"extractor": other}, "ExtractorMismatch"),
        ("G12-other-dialect", "records of different dialects", {"dialect": "clean"}, "DialectMismatch"),
        ("G18-hash", "a record of another file", {"npz_sha256": "1" * 64}, "StatsInvalid"),
        ("G18-schema", "a record of an unknown version", {"schema": "dis-eval-statistics/9"}, "StatsInvalid"),
        (
            "G18-dimension",
            "a record of another dimension",
            {"extractor": {**other, "dimension": 8, "sha256": EXTRACTOR}},
            ("FactContradicted", "StatsInvalid"),
        ),
        ("G18-one-image", "a record of one image", {"count": 1}, "StatsInvalid"),
    ]:
        files = {"ref.npz": GOOD, "ref.json": record(GOOD, **changes), "good.npz": GOOD, "good.json": record(GOOD)}
        yield Row(id, what, files, FID, 65, fault, names="ref")
    for id, what, content in [
        ("G18-text", "a record that is not JSON", record(GOOD)[:-2]),
        ("G18-not-a-number", "a record with NaN", record(GOOD).replace(b'"count": 64', b'"count": NaN')),
        (
            "G18-duplicate",
            "a record with a key twice",
            record(GOOD).replace(b'"count": 64', b'"count": 64, "count": 65'),
        ),
    ]:
        yield Row(
            id,
            what,
            {"ref.npz": GOOD, "ref.json": content, "good.npz": GOOD},
            FID,
            65,
            "StatsInvalid",
            names="ref.json",
        )


SECTIONS = [("Reference statistics", "", [*shapes(), *containers(), *accepted(), *records()])]
