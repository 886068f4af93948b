"""Makes the files of the rows: checkpoints of a small DiS, statistics, images."""

import functools
import io
import json
import struct
import zipfile
import zlib

import hostile
import numpy as np
import synthetic

# Checkpoints --------------------------------------------------------------------------------------

SMALL = synthetic.DiS(seed=1, embed_dim=32, depth=2, patch=4, channels=1, side=28)
CLASSES = synthetic.DiS(seed=2, embed_dim=32, depth=2, patch=4, channels=1, side=28, classes=10)
SAMPLE = "sample --ckpt {file} --num 2 --steps 2 --raw-out samples.npy"


@functools.cache
def _state(model):
    return model.state()


def state(model=SMALL, **replaced):
    """The arrays of a small DiS, with some replaced, or left out if None. A key's dots are written as __."""
    result = dict(_state(model))
    for key, value in replaced.items():
        key = key.replace("__", ".")
        if value is None:
            del result[key]
        else:
            result[key] = value
    return result


DTYPES = {"<f4": "F32", "<f2": "F16", "<f8": "F64", "|i1": "I8", "<i8": "I64", "<c8": "C64"}
STORAGES = {"<f4": "Float", "<f2": "Half", "<f8": "Double", "|i1": "Char", "<i8": "Long", "<c8": "ComplexFloat"}


def safetensors(arrays, metadata=None) -> bytes:
    header, body, start = {}, [], 0
    if metadata is not None:
        header["__metadata__"] = metadata
    for key, array in arrays.items():
        data = array.tobytes()
        header[key] = {
            "dtype": DTYPES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [start, start + len(data)],
        }
        body.append(data)
        start += len(data)
    return hostile.st(header, b"".join(body))


def pickled_tensor(array, key: str) -> bytes:
    """The opcodes of a tensor that is stored under `key`."""
    strides = [stride // array.itemsize for stride in array.strides]
    return hostile.tensor(array.size, array.shape, strides, kind=f"{STORAGES[array.dtype.str]}Storage", key=key)


def negated_view(tensor: bytes) -> bytes:
    """The opcodes of a tensor whose elements are the negatives of what is stored."""
    assert tensor.endswith(b"tR")
    return tensor[:-2] + b"}" + hostile.text("neg") + b"\x88s" + b"tR"


def pickled(arrays, **more) -> bytes:
    """The opcodes of a dictionary of tensors, stored under 0, 1, and so on, and of other values."""
    items = {key: pickled_tensor(array, str(index)) for index, (key, array) in enumerate(arrays.items())}
    return hostile.state(**items, **more)


def torch_file(arrays, pickle=None, method=0, **more) -> bytes:
    """A file of torch.save, with other opcodes if they are given."""
    blobs = {str(index): array.tobytes() for index, array in enumerate(arrays.values())}
    return hostile.pt(pickle or pickled(arrays, **more), blobs, method)


def nested(**states) -> bytes:
    """The opcodes of a dictionary of state dicts or other values, without those around a whole pickle."""
    unwrapped = {key: value[2:-1] if value.startswith(hostile.P) else value for key, value in states.items()}
    return hostile.state(**unwrapped)


# Arrays and statistics ----------------------------------------------------------------------------


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def archive(entries, method=zipfile.ZIP_STORED) -> bytes:
    """A zip archive of (name, content) pairs; names may repeat."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as z:
        for name, content in entries:
            z.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return buffer.getvalue()


def npz(method=zipfile.ZIP_STORED, **arrays) -> bytes:
    return archive([(f"{name}.npy", npy(array)) for name, array in arrays.items()], method)


# Images -------------------------------------------------------------------------------------------

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDE = 28


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=SIDE, height=SIDE, depth=8, colour=0, raw=None, interlaced=0, before=b"", header=None) -> bytes:
    """A PNG file of the given rows, each after its filter; zeros if none are given."""
    if raw is None:
        channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 3)
        raw = bytes(((width * channels * depth + 7) // 8 + 1) * height)
    header = header or struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return SIGNATURE + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def rows(pixels) -> bytes:
    """Rows of bytes, [H, W] or [H, W, C], each after the filter "none"."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def packed(pixels, bits) -> bytes:
    """Rows of values below 2^bits, packed."""
    planes = (pixels[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return rows(np.packbits(planes.reshape(len(pixels), -1).astype(np.uint8), axis=1))


@functools.cache
def grey() -> np.ndarray:
    """[28, 28] random bytes."""
    return np.random.default_rng(5).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


def plain(pixels) -> bytes:
    """The simplest PNG file of grey pixels."""
    return png(pixels.shape[1], pixels.shape[0], raw=rows(pixels))


def interlaced(pixels) -> bytes:
    """A PNG file of grey pixels in the seven passes of Adam7."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b"".join(rows(pixels[y::dy, x::dx]) for x, y, dx, dy in passes)
    return png(raw=raw, interlaced=1)


# JPEG: every block is flat, so that the pixels follow from the coefficients without rounding.


def _segment(marker, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def _bits(value, count):
    return [value >> i & 1 for i in reversed(range(count))]


def _scan(components, spectrum, bits) -> bytes:
    """A scan of some components, with its bits."""
    bits = bits + [1] * (-len(bits) % 8)
    header = bytes([len(components)]) + b"".join(bytes([i + 1, 0]) for i in components) + bytes([*spectrum, 0])
    return _segment(0xDA, header) + bytes(np.packbits(bits)).replace(b"\xff", b"\xff\0")


def jpeg(levels, sampling=((1, 1),), progressive=False, before=b"", size=None, inks=False) -> bytes:
    """A JPEG file whose 8 x 8 blocks have the given levels, [rows, columns] from -128 to 127.

    `sampling` has the factors of each component. The colours are neutral; with `inks`, the first three components
    have the levels, and the fourth is at its maximum, which is no black.
    """
    levels = np.asarray(levels)
    across, down = sampling[0]
    height, width = size or (8 * levels.shape[0], 8 * levels.shape[1])
    components = range(len(sampling))
    factors = b"".join(bytes([i + 1, sampling[i][0] << 4 | sampling[i][1], 0]) for i in components)
    frame = struct.pack(">BHHB", 8, height, width, len(sampling)) + factors
    # A code of four bits for each of the categories 0 to 11, and one of one bit for the end of a block.
    dc = _segment(0xC4, b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
    ac = _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    bits, last, count = [], [0] * len(sampling), [0] * len(sampling)

    def block(component, value):
        difference, last[component] = value - last[component], value
        category = abs(difference).bit_length()
        low = difference if difference >= 0 else difference + (1 << category) - 1
        bits.extend(_bits(category, 4) + _bits(low, category) + ([] if progressive else [0]))
        count[component] += 1

    for y in range(0, levels.shape[0], down):
        for x in range(0, levels.shape[1], across):
            for component, (h, v) in enumerate(sampling):
                for j in range(v):
                    for i in range(h):
                        level = int(levels[y + j, x + i])
                        block(component, (level, level, level, 127)[component] if inks else level * (component == 0))
    if progressive:
        scans = _scan(components, (0, 0), bits)
        scans += b"".join(_scan([i], (1, 63), [0] * count[i]) for i in components)
    else:
        scans = _scan(components, (0, 63), bits)
    table = _segment(0xDB, b"\0" + bytes([8] * 64))
    return b"\xff\xd8" + before + table + _segment(0xC2 if progressive else 0xC0, frame) + dc + ac + scans + b"\xff\xd9"


@functools.cache
def levels() -> np.ndarray:
    """[4, 4] levels of blocks."""
    return np.random.default_rng(6).integers(-100, 100, (4, 4))


def flat_blocks() -> np.ndarray:
    """The [28, 28] pixels of a JPEG file with `levels`."""
    return (np.kron(levels(), np.ones((8, 8), int))[:SIDE, :SIDE] + 128).astype(np.uint8)


# Other ---------------------------------------------------------------------------------------------


def as_json(value) -> bytes:
    return json.dumps(value).encode()
