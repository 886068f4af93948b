"""Headers of safetensors files."""

import json

import hostile
import numpy as np
from builders import SAMPLE, safetensors, state
from hostile import ONE, st, t
from rows_pickle import FIRST, WHOLE, read, refused
from runner import Row


def with_nan() -> bytes:
    array = WHOLE[FIRST].copy()
    array.flat[7] = np.nan
    return safetensors(state(**{FIRST: array}))


def many() -> bytes:
    """500,000 empty tensors: a header of 35 MB."""
    entry = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return st(("{" + ",".join(entry % i for i in range(500_000)) + "}").encode())


def one(id, what, content, fault, **options):
    return Row(id, what, {f"{id}.safetensors": content}, SAMPLE.format(file=f"{id}.safetensors"), 65, fault, **options)


def index(*shards, **weights):
    """Rows of an index file and its shards."""
    return {
        "model.safetensors.index.json": json.dumps({"metadata": {}, "weight_map": weights}).encode(),
        **dict(shards),
    }


def rows():
    yield from refused(
        [
            ("E1-length-only", "8 bytes", "UnknownContainer"),
            ("E1-seven-bytes", "7 bytes", "UnknownContainer"),
            ("E2-length", "a header longer than the file"),
            ("E3-length-2-63", "a header of 2^63 bytes", "SafetensorsLimit"),
            ("E4-length-limit", "a header of 100,000,001 bytes", "SafetensorsLimit"),
            ("E5-leading-space", "a space before the header"),
            ("E6-bom", "a byte order mark before the header"),
            ("E7-array", "an array instead of an object"),
            ("E7-null", "null instead of an object"),
            ("E8-tail", "text after the header's object"),
            ("E9-nul-padding", "a header padded by zero bytes"),
            ("E11-overlap", "two tensors in the same place"),
            ("E12-hole", "unused bytes between tensors"),
            ("E13-first-offset", "a first tensor that does not begin at 0"),
            ("E14-byte-after", "one byte after the last tensor"),
            ("E15-byte-short", "a last tensor without its last byte"),
            ("E16-reversed", "an end before its beginning"),
            ("E17-dtype", "an element type Q7", "DtypeUnsupported"),
            ("E17-dtype-case", "an element type in lower case", "DtypeUnsupported"),
            ("E19-float8", "numbers of 8 bits", "DtypeUnsupported"),
            ("E20-negative", "a negative dimension"),
            ("E20-float", "a dimension of 1.0"),
            ("E20-exponent", "a dimension of 1e0"),
            ("E20-overflow", "dimensions whose product does not fit into 64 bits"),
            ("E20-zero-hides-overflow", "the same with a dimension of 0"),
            ("E20-2-64", "a dimension of 2^64"),
            ("E20-rank-9", "9 dimensions"),
            ("E20-offset-2-63", "an offset of 2^63 - 1"),
            ("E21-duplicate", "a tensor listed twice with the same place", "DuplicateKey"),
            ("E22-duplicate-field", "a field listed twice"),
            ("E23-duplicate-metadata", "metadata listed twice", "DuplicateKey"),
            ("E25-metadata-number", "metadata that is a number"),
            ("E25-metadata-object", "metadata that is an object"),
            ("E26-unknown-field", "an unknown field"),
            ("E27-missing-field", "a missing field"),
            ("E28-three-offsets", "three offsets"),
            ("E29-not-utf8", "a name that is not UTF-8"),
            ("E29-surrogate", "a name that is half a surrogate pair"),
            ("E29-nul", "a name with a zero byte"),
            ("E29-long", "a name of 1 MB"),
            ("E30-deep", "200,000 arrays inside each other"),
            ("E37-comment", "a comment in the header"),
            ("E37-trailing-comma", "a comma after the last tensor"),
        ],
        "SafetensorsMalformed",
    )
    yield one(
        "E18-half-byte",
        "an odd number of 4-bit numbers",
        st({"a": t(dtype="F4", shape=[3], data_offsets=[0, 2])}, ONE[:2]),
        "DtypeUnsupported",
    )
    yield one(
        "E22-duplicate-other-place",
        "a tensor listed twice with different places",
        st(b'{"a":' + hostile.BODY + b',"a":' + hostile.BODY.replace(b"[0, 4]", b"[4, 8]") + b"}", ONE * 2),
        "DuplicateKey",
    )
    yield one("E31-many", "500,000 tensors", many, "SafetensorsLimit")
    yield one("E32-nan", "one weight that is not a number", with_nan(), "NonFiniteWeights", says=(FIRST,))
    yield from read(
        [
            ("E10-newline-padding", "a header padded by line feeds, as the library of safetensors accepts it"),
            ("E24-normal-forms", "two names that look alike, in both Unicode normal forms"),
            ("E29-surrogate-pair", "a name with a surrogate pair"),
            ("E33-zero-size", "a tensor without elements and one without dimensions"),
            ("E34-bool-2", "a truth value of 2"),
        ]
    )
    yield Row(
        "E29-empty-name",
        "a tensor without a name",
        {"empty.safetensors": st({"": t()}, ONE)},
        "inspect --tensors empty.safetensors",
        0,
    )
    yield Row(
        "E29-escape",
        "a name that would change the terminal's title",
        {"escape.safetensors": st({"\x1b]0;x\x07": t()}, ONE)},
        "inspect --tensors escape.safetensors",
        0,
        check=lambda _, outcome: "the escape is printed" if "\x1b" in outcome.output else "",
    )
    shard = st({"a": t()}, ONE)
    yield Row(
        "E36-outside",
        "an index that names a shard outside its folder",
        index(a="../x.safetensors"),
        SAMPLE.format(file="model.safetensors.index.json"),
        65,
        "SafetensorsMalformed",
    )
    yield Row(
        "E36-missing-shard",
        "an index that names a shard that is not there",
        index(a="x.safetensors"),
        SAMPLE.format(file="model.safetensors.index.json"),
        65,
        "SafetensorsMalformed",
    )
    yield Row(
        "E36-shards",
        "an index and a shard, of a network that is none",
        index(("x.safetensors", shard), a="x.safetensors"),
        SAMPLE.format(file="model.safetensors.index.json"),
        65,
        "NotABackbone",
    )


SECTIONS = [("safetensors", "", list(rows()))]
