"""Pickles that would run code or exhaust the reader, and tensors that do not fit their storage."""

import struct

import hostile
import numpy as np
from builders import SAMPLE, nested, pickled, pickled_tensor, state, torch_file
from hostile import call, integer, name, tensor, text, tup
from runner import Row


def refused(table, fault="", **options):
    """Rows for files of hostile.py, each a name, a description and, where it differs, the kind of failure."""
    for case, what, *other in table:
        file = f"{case}.pt"
        yield Row(case, what, {file: hostile.cases[case]}, SAMPLE.format(file=file), 65, *(other or [fault]), **options)


def read(table):
    """Rows for files of hostile.py that must be read."""
    for case, what, *says in table:
        file = f"{case}.pt"
        yield Row(case, what, {file: hostile.cases[case]}, f"inspect --tensors {file}", 0, says=tuple(says))


def sampled(id, what, file, content, **options):
    """A row for a whole checkpoint that must be sampled."""
    return Row(id, what, {file: content}, SAMPLE.format(file=file), 0, writes=("samples.npy",), **options)


def unsampled(id, what, content, fault, **options):
    """A row for a whole checkpoint that must be refused."""
    return Row(id, what, {f"{id}.pt": content}, SAMPLE.format(file=f"{id}.pt"), 65, fault, **options)


WHOLE = state()
FIRST = next(iter(WHOLE))
NAMESPACE = (
    name("argparse", "Namespace")
    + b")\x81}("
    + text("lr")
    + b"G"
    + struct.pack(">d", 1e-4)
    + text("resume")
    + b"N"
    + b"ub"
)


def with_first(opcodes: bytes) -> bytes:
    """A checkpoint whose first tensor is replaced by other opcodes."""
    original = pickled_tensor(WHOLE[FIRST], "0")
    whole = pickled(WHOLE)
    assert original in whole
    return torch_file(WHOLE, whole.replace(original, opcodes, 1))


def with_more(value: bytes) -> bytes:
    """A checkpoint with one more value, "x", in its state dict."""
    return torch_file(WHOLE, x=value)


def code():
    yield from refused(
        [
            ("A1-os", "a pickle that calls os.system"),
            ("A2-posix", "a pickle that calls posix.system"),
            ("A3-nt", "a pickle that calls nt.system"),
            ("A4-subprocess", "a pickle that calls subprocess.Popen"),
            ("A5-eval", "a pickle that calls eval"),
            ("A6-getattr", "a pickle that calls getattr"),
            ("A7-exec", "a pickle that calls exec by a name from the stack"),
            ("A8-stack-global", "a pickle that calls os.system by a name from the stack"),
            ("A9-inst", "the opcode INST with os.system"),
            ("A10-obj", "the opcode OBJ with os.system"),
            ("A11-ext1", "an extension code"),
            ("A12-newobj-ex", "the opcode NEWOBJ_EX with os.system"),
            ("A13-then-garbage", "a call of os.system, then bytes that are not a pickle"),
            ("A14-second-pickle", "a second pickle after the first", "PickleTrailing"),
            ("A15-codec", "_codecs.encode with the codec zlib"),
            ("A16-dotted", "a name with a dot, which reaches into a module"),
            ("A17-carriage-return", "a module's name with a carriage return"),
            ("A18-not-utf8", "a module's name that is not UTF-8"),
            ("A24-unused-name", "os.system, named beside the weights and never called"),
        ],
        "PickleForbidden",
    )
    yield from refused(
        [
            ("A19-code", "a TorchScript archive", "NotAStateDict"),
            ("A19-constants", "a TorchScript archive with constants only", "NotAStateDict"),
            ("A20-tar", "a tar file, as PyTorch wrote before 2018", "LegacyTar"),
            ("A21-7z", "a 7z archive", "UnknownContainer"),
            ("A21-gzip", "a gzip file", "UnknownContainer"),
        ]
    )
    yield unsampled(
        "A22-wrapped-tensor",
        "a weight that an unknown class wraps",
        with_first(name("evil", "Sub") + tup(pickled_tensor(WHOLE[FIRST], "0")) + b"R"),
        "NotATensor",
    )
    yield sampled(
        "A23-namespace",
        "a file as DiS saves it, with an argparse.Namespace beside the weights",
        "dis.pt",
        torch_file(WHOLE, nested(ema=pickled(WHOLE), args=NAMESPACE)),
    )
    yield Row(
        "A23-reported",
        "the same, described",
        {"dis.pt": torch_file(WHOLE, nested(ema=pickled(WHOLE), args=NAMESPACE))},
        "inspect dis.pt",
        0,
        says=("argparse.Namespace",),
    )


def broken():
    yield from refused(
        [
            ("B1-deep-list", "200,000 lists, each inside the one before", "PickleLimit"),
            ("B2-deep-tuple", "200,000 tuples, each inside the one before", "NotAStateDict"),
            ("B3-marks", "500,000 marks", "PickleLimit"),
        ]
    )
    yield sampled(
        "B1-deep-list-inside",
        "50,000 lists inside each other, beside the weights",
        "B1-deep-list-inside.pt",
        with_more(b"]" * 50000 + b"a" * 49999),
    )
    yield sampled(
        "B4-laughs",
        "a list of lists whose elements number 10^12 when counted one by one",
        "B4-laughs.pt",
        with_more(hostile.laughs),
    )
    yield from refused(
        [
            ("B5-dup", "the opcode DUP, which PyTorch never writes"),
            ("B6-list-in-itself", "a list that contains itself", "PickleCycle"),
            ("B7-dict-in-itself", "a dictionary that contains itself", "PickleCycle"),
            ("B9-empty-slot", "a memo slot that was never filled"),
            ("B10-huge-slot", "memo slot 4,294,967,295, never filled"),
            ("B11-text-4g", "a text of 4 GB in a small file"),
            ("B12-text-2-62", "a text of 2^62 bytes"),
            ("B13-long4-negative", "an integer of -1 bytes"),
            ("B14-long4-2g", "an integer of 2 GB", "PickleLimit"),
            ("B15-long1-255", "an integer of 255 bytes", "PickleLimit"),
            ("B16-text-integer", "an integer of 5,000 digits"),
            ("B17-bytearray", "bytearray(2^40)", "NotAStateDict"),
            ("B18-frame", "a frame of 2^60 bytes"),
            ("B19-protocol", "protocol 200"),
            ("B20-empty-stack", "a call with nothing on the stack"),
            ("B21-no-mark", "a tuple without its mark"),
            ("B22-put-nothing", "a memo entry with nothing on the stack"),
            ("B23-no-stop", "no end"),
            ("B24-nothing", "a pickle of 0 bytes"),
            ("B25-odd-items", "a key without its value"),
            ("B26-list-key", "a list as a key"),
            ("B27-append-to-dict", "an element appended to a dictionary"),
            ("B28-item-of-tuple", "an item set in a tuple"),
            ("B28-item-of-tensor", "an item set in a tensor (CVE-2026-24747)"),
            ("B28-append-to-tensor", "an element appended to a tensor"),
            ("B29-surrogate-key", "a key that is not UTF-8", "NotAStateDict"),
            ("B30-text-id", "a persistent identifier that is text", "PickleMalformed"),
            ("B30-string-id", "a persistent identifier that is a string", "PersistentId"),
            ("B30-empty-id", "an empty persistent identifier", "PersistentId"),
            ("B30-short-id", "a persistent identifier of one element", "PersistentId"),
            ("B30-module-id", "a persistent identifier of a module", "PersistentId"),
            ("B31-state-of-tensor", "a tensor whose state is an integer"),
            ("B32-list", "a file that holds a list", "NotAStateDict"),
            ("B32-tensor", "a file that holds a tensor", "NotAStateDict"),
            ("B32-none", "a file that holds None", "NotAStateDict"),
            ("B32-integer-keys", "a state dict whose keys are integers", "NotAStateDict"),
            ("B33-duplicate-key", "one key for two tensors", "DuplicateKey"),
            ("B34-bare-pickle", "a pickle without its archive", "NotACheckpoint"),
            ("B35-one-dictionary", "20,000 keys of one dictionary of 20,000 items", "NotAStateDict"),
            ("B36-parameters", "20,000 parameters, each inside the one before", "NotAStateDict"),
            ("B38-long-name", "a name of 2,000 bytes", "PickleLimit"),
        ],
        "PickleMalformed",
    )
    yield sampled(
        "B37-long-string",
        "20,000 dictionaries that share a key of 1 MB, beside the weights",
        "B37-long-string.pt",
        with_more(b"](" + text("x" * (1 << 20)) + b"q\0" + b"}h\0Ns" * 20000 + b"e"),
    )
    yield from read([("B8-huge-memo-slot", "memo slot 4,294,967,295, filled")])


def tensors():
    yield from refused(
        [
            ("C1-shape", "a shape that needs more than the storage"),
            ("C2-offset", "an offset that leaves too little"),
            ("C3-negative-offset", "a negative offset"),
            ("C4-negative-shape", "a negative dimension"),
            ("C5-negative-stride", "a negative stride"),
            ("C6-overflow", "a shape whose product does not fit into 64 bits"),
            ("C6-zero-hides-overflow", "the same with a dimension of 0"),
            ("C6-stride-overflow", "strides whose sum does not fit into 64 bits"),
            ("C7-expanded", "2^40 elements that share one number"),
            ("C8-rank", "more dimensions than strides"),
            ("C9-rank-65", "65 dimensions"),
            ("C10-count-2-60", "a storage of 2^60 elements"),
            ("C10-count-negative", "a storage of -1 elements"),
            ("C11-no-storage", "a tensor without its storage"),
            ("C12-short-storage", "a storage of 10 bytes instead of 64"),
            ("C13-long-storage", "a storage of 4,096 bytes instead of 64"),
            ("C14-two-types", "one storage as float32 and as float64", "StorageDtypeConflict"),
            ("C15-key-traversal", "a storage called ../../etc/passwd"),
            ("C16-key-nul", "a storage whose name contains a zero byte"),
            ("C18-location", "a storage on the device ../../x"),
            ("C19-quantized", "a quantised storage", "DtypeUnsupported"),
            ("C24-middle-endian", 'a file whose byte order is "middle"'),
            ("C26-magic", "a legacy file with another magic number", "NotACheckpoint"),
            ("C26-cut", "a legacy file without its last 5 bytes"),
            ("C26-count-2-60", "a legacy storage of 2^60 elements"),
            ("C26-count-negative", "a legacy storage of -1 elements"),
            ("C26-count-3", "a legacy storage of 3 elements instead of 16"),
            ("C26-key-twice", "a legacy file that lists a storage twice", "PickleMalformed"),
            ("C26-other-key", "a legacy file that lists another storage"),
            ("C26-tail", "a legacy file with 2 bytes more", "UnaccountedBytes"),
            ("C28-half-prefixed", 'half the keys with the prefix "module."', "ModulePrefix"),
        ],
        "TensorInvalid",
    )
    first = WHOLE[FIRST]
    swapped = {key: array.byteswap() for key, array in WHOLE.items()}
    blobs = {str(index): array.tobytes() for index, array in enumerate(swapped.values())}
    yield unsampled(
        "C20-complex",
        "a weight of complex numbers",
        torch_file(state(**{FIRST: first.astype("<c8")})),
        "DtypeUnsupported",
    )
    yield unsampled(
        "C21-int8", "a weight of 8-bit integers", torch_file(state(**{FIRST: first.astype("i1")})), "DtypeUnsupported"
    )
    for kind, number in ("nan", np.nan), ("infinity", np.inf):
        array = first.copy()
        array[0, 1, 2] = number
        yield unsampled(
            f"C22-{kind}",
            f"one weight that is {'not a number' if kind == 'nan' else 'infinite'}",
            torch_file(state(**{FIRST: array})),
            "NonFiniteWeights",
            says=(FIRST,),
        )
    yield sampled(
        "C22-subnormal",
        "a tensor of subnormal weights",
        "subnormal.pt",
        torch_file(state(**{FIRST: np.full_like(first, 1e-42)})),
    )
    yield sampled(
        "C23-big-endian",
        "a file written on a big-endian machine",
        "big.pt",
        hostile.pt(pickled(WHOLE), blobs, order="big"),
    )
    yield from read(
        [
            ("C7-modestly-expanded", "4,096 elements that share one number"),
            ("C17-cuda", "a tensor saved on a GPU"),
            ("C25-no-byte-order", "a file without a byte order, as PyTorch wrote before 2.1"),
            ("C26-legacy", "a legacy file"),
            ("C27-new-members", "the members that PyTorch has added since"),
        ]
    )


SECTIONS = [
    ("Pickles that run code", "", list(code())),
    ("Pickles that are broken or exhaust the reader", "", list(broken())),
    ("Tensors and storages", "", list(tensors())),
]
