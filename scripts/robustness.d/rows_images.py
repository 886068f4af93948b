"""Image files, and folders and archives of them."""

import functools
import io
import os
import socket
import struct
import zipfile
import zlib

import builders
import numpy as np
from builders import (
    SIDE,
    SIGNATURE,
    archive,
    chunk,
    flat_blocks,
    grey,
    interlaced,
    jpeg,
    levels,
    packed,
    plain,
    png,
    rows,
)
from runner import ROOT, Row

FEATURES = "features --images pictures --weights {extractor} --out features.npz"
WRITTEN = ("features.npz", "features.json")
HEADER = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
FIXTURES = ROOT / "Tests/ImagesTests/Fixtures"
ANIMATION = FIXTURES / "hostile_formats/UnsupportedFormat/animation.webp"


def refused(id, what, file, content, fault, **options):
    """A row for a folder with a picture that must be refused beside a good one."""
    return Row(
        id,
        what,
        {f"pictures/{file}": content, "pictures/good.png": plain(grey())},
        FEATURES,
        65,
        fault,
        names=options.pop("names", file),
        **options,
    )


def arrays(folder):
    with np.load(folder / "features.npz", allow_pickle=False) as found:
        return found["features"]


def same(folder, outcome):
    found = arrays(folder)
    return "" if np.array_equal(found[0], found[1]) else "the pixels are not those of the plain picture"


def same_pixels(id, what, file, content, pixels, **options):
    """A row for a picture that must have the same features as a plain one with its pixels."""
    files = {"pictures/0.png": plain(pixels), f"pictures/{file}": content}
    return Row(id, what, files, FEATURES, 0, writes=WRITTEN, check=same, **options)


def grey_as(*channels) -> bytes:
    return rows(np.stack(channels, axis=-1))


def pngs():
    good = plain(grey())
    noisy = png(64, 64, colour=2, raw=rows(np.random.default_rng(1).integers(0, 256, (64, 192), dtype=np.uint8)))
    for id, what, content, fault in [
        ("I1-empty", "an empty file", b"", "Truncated"),
        ("I1-signature", "the signature of PNG alone", SIGNATURE, "Truncated"),
        ("I1-text", "text named .png", b"hello world", "UnsupportedFormat"),
        ("I1-html", "a web page named .png", b"<html>404", "UnsupportedFormat"),
        ("I2-cut", "a PNG file without its last 40 bytes", png(64, 64, colour=2)[:-40], "Truncated"),
        ("I2-half", "half a PNG file", noisy[: len(noisy) // 2], "Truncated"),
        ("I2-no-end", "a PNG file without its end", good[:-12], "Truncated"),
        ("I2-few-rows", "too few pixels", png(raw=bytes(5)), "PNGMalformed"),
        ("I3-header-checksum", "a wrong checksum of the header", good[:29] + bytes(4) + good[33:], "PNGCRC"),
        ("I3-data-checksum", "a wrong checksum of the pixels", good[:-16] + b"\xde\xad\xbe\xef" + good[-12:], "PNGCRC"),
        ("I5-no-width", "a width of 0", png(0, 4, raw=bytes(4)), "PNGMalformed"),
        ("I5-65535", "65,535 x 65,535 pixels", png(65535, 65535, raw=bytes(10)), "ImageLimit"),
        ("I5-2-31", "a width of 2^31 - 1", png(2**31 - 1, 1, raw=b""), "ImageLimit"),
        ("I5-2-32", "2^32 - 1 by 2^32 - 1 pixels", png(2**32 - 1, 2**32 - 1, raw=b""), "PNGMalformed"),
        ("I6-20000", "20,000 x 20,000 pixels in 48 kB", lambda: png(20000, 20000, 1), "ImageLimit"),
        ("I6-12000", "12,000 x 12,000 pixels in 18 kB", lambda: png(12000, 12000, 1), "ImageLimit"),
        ("I7-depth", "a depth of 3 bits", png(depth=3), "PNGMalformed"),
        ("I7-colour", "colour type 5", png(colour=5), "PNGMalformed"),
        ("I7-filter", "filter 9", png(raw=(b"\x09" + bytes(SIDE)) * SIDE), "PNGMalformed"),
        (
            "I7-zlib",
            "pixels that are not compressed",
            SIGNATURE + chunk(b"IHDR", HEADER) + chunk(b"IDAT", b"garbage") + chunk(b"IEND", b""),
            "PNGMalformed",
        ),
        (
            "I7-chunk-length",
            "a chunk of 2^31 - 1 bytes",
            SIGNATURE + chunk(b"IHDR", HEADER) + struct.pack(">I", 2**31 - 1) + b"IDAT" + b"x",
            "Truncated",
        ),
        ("I8-text", "a compressed text of 64 MB", lambda: bomb(b"zTXt"), "PNGMalformed"),
        ("I8-profile", "a colour profile of 64 MB", lambda: bomb(b"iCCP"), "PNGMalformed"),
        (
            "I8-length",
            "a text that announces 1.9 GB in a file of 200 bytes",
            png(raw=rows(grey()), before=b"\x73\x52\x47\x42zTXt"),
            "Truncated",
        ),
        ("I10-grey-16", "grey with 16 bits, which tools read differently", png(depth=16), "Gray16Ambiguous"),
        ("I12-no-palette", "a palette image without its palette", png(colour=3), "PNGMalformed"),
        (
            "I12-index",
            "an index outside the palette",
            png(colour=3, raw=(b"\0" + b"\xff" * SIDE) * SIDE, before=chunk(b"PLTE", bytes(12))),
            "PNGMalformed",
        ),
    ]:
        yield refused(id, what, "bad.png", content, fault)
    yield refused("I14-gif", "a GIF file", "bad.gif", b"GIF89a" + bytes(30), "UnsupportedFormat", names="")
    yield refused("I14-gif-named-png", "a GIF file named .png", "bad.png", b"GIF89a" + bytes(30), "UnsupportedFormat")
    yield refused("I14-webp", "an animated WebP file", "bad.webp", ANIMATION.read_bytes(), "UnsupportedFormat")


def bomb(kind) -> bytes:
    """A PNG file with a text or profile of 64 MB in 65 kB."""
    return png(raw=rows(grey()), before=chunk(kind, b"k\0\0" + zlib.compress(b"a" * (64 << 20))))


def accepted_pngs():
    g = grey()
    two = g // 64 * 85
    black = np.zeros_like(g)
    sixteen = np.stack([g, np.full_like(g, 77)] * 3, axis=-1).reshape(SIDE, -1)
    greys = chunk(b"PLTE", np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
    for id, what, content, pixels in [
        ("I4-long", "more pixels than the image has", png(raw=rows(g) + bytes(5000)), g),
        ("I4-after", "bytes after the end", plain(g) + b"PK\3\4junk", g),
        ("I9-rgb-16", "16 bits per channel, of which the first 8 count", png(depth=16, colour=2, raw=rows(sixteen)), g),
        ("I11-1-bit", "1 bit", png(depth=1, raw=packed(g >> 7, 1)), (g >> 7) * 255),
        ("I11-2-bits", "2 bits", png(depth=2, raw=packed(g >> 6, 2)), two),
        ("I11-4-bits", "4 bits", png(depth=4, raw=packed(g >> 4, 4)), (g >> 4) * 17),
        ("I11-grey-alpha", "grey with opacity, which is dropped", png(colour=4, raw=grey_as(g, g[::-1])), g),
        ("I11-rgba", "colour with opacity, which is dropped", png(colour=6, raw=grey_as(g, g, g, g[::-1])), g),
        ("I11-rgb", "colour", png(colour=2, raw=grey_as(g, g, g)), g),
        ("I11-palette", "a palette", png(colour=3, raw=rows(g), before=greys), g),
        (
            "I11-transparent",
            "a transparent grey, which is ignored",
            png(raw=rows(g), before=chunk(b"tRNS", b"\0\x05")),
            g,
        ),
        ("I11-interlaced", "interlaced", interlaced(g), g),
        (
            "I13-gamma",
            "a gamma, which is ignored",
            png(raw=rows(g), before=chunk(b"gAMA", struct.pack(">I", 22727))),
            g,
        ),
        ("I13-srgb", "a colour space, which is ignored", png(raw=rows(g), before=chunk(b"sRGB", b"\0")), g),
        (
            "I13-profile",
            "a colour profile, which is ignored",
            png(raw=rows(g), before=chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(200)))),
            g,
        ),
        ("I14-apng", "an animation, of which the first picture counts", animated(g, black), g),
    ]:
        yield same_pixels(id, what, "odd.png", content, pixels)


def animated(first, second) -> bytes:
    """An animated PNG file of two pictures."""
    control = lambda number: chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, SIDE, SIDE, 0, 0, 1, 10, 0, 0))
    data = lambda pixels: zlib.compress(rows(pixels))
    return (
        SIGNATURE
        + chunk(b"IHDR", HEADER)
        + chunk(b"acTL", struct.pack(">II", 2, 0))
        + control(0)
        + chunk(b"IDAT", data(first))
        + control(1)
        + chunk(b"fdAT", struct.pack(">I", 2) + data(second))
        + chunk(b"IEND", b"")
    )


def claiming(content, side) -> bytes:
    """A JPEG file whose header says that it is larger."""
    size = struct.pack(">BHH", 8, SIDE, SIDE)
    assert content.count(size) == 1
    return content.replace(size, struct.pack(">BHH", 8, side, side))


def jpegs():
    size = (SIDE, SIDE)
    good = jpeg(levels(), size=size)
    progressive = jpeg(levels(), progressive=True, size=size)
    for id, what, content, fault in [
        ("I17-cut", "a JPEG file without its last 20 bytes", good[:-20], "Truncated"),
        ("I17-no-end", "a JPEG file without its end", good[:-2], "Truncated"),
        ("I17-start-only", "the first 2 bytes of a JPEG file", b"\xff\xd8", "UnsupportedFormat"),
        ("I17-after-header", "a JPEG file that ends before its pixels", good[:-60], "Truncated"),
        ("I18-65535", "a JPEG file that claims 65,535 x 65,535 pixels", claiming(good, 65535), "ImageLimit"),
        (
            "I18-8000",
            "a progressive JPEG file that claims 8,000 x 8,000 pixels",
            claiming(progressive, 8000),
            "Truncated",
        ),
    ]:
        yield refused(id, what, "bad.jpg", content, fault)
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
    exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\x06\0\0\0\0\0\0"
    pixels = flat_blocks()
    for id, what, content, expected in [
        ("I15-grey", "a grey JPEG file", good, pixels),
        ("I15-progressive", "a progressive JPEG file", progressive, pixels),
        ("I15-444", "a JPEG file of full colour", jpeg(levels(), ((1, 1),) * 3, size=size), pixels),
        ("I15-420", "a JPEG file of half the colour", jpeg(levels(), ((2, 2), (1, 1), (1, 1)), size=size), pixels),
        (
            "I15-progressive-420",
            "a progressive JPEG file of half the colour",
            jpeg(levels(), ((2, 2), (1, 1), (1, 1)), True, size=size),
            pixels,
        ),
        (
            "I15-cmyk",
            "a JPEG file of four inks",
            jpeg(levels(), ((1, 1),) * 4, before=adobe, size=size, inks=True),
            pixels,
        ),
        (
            "I16-orientation",
            "a JPEG file that says it must be rotated, which is not done",
            jpeg(levels(), before=exif, size=size),
            pixels,
        ),
        ("I19-jpeg-named-png", "a JPEG file named .png", None, pixels),
    ]:
        file = "odd.png" if content is None else "odd.jpg"
        yield same_pixels(id, what, file, content or good, expected)
    yield same_pixels("I19-png-named-jpeg", "a PNG file named .jpg", "odd.jpg", interlaced(grey()), grey())


def folder_rows():
    good = plain(grey())

    def place(*makers):
        def files(folder):
            pictures = folder / "pictures"
            pictures.mkdir()
            (pictures / "0.png").write_bytes(good)
            for maker in makers:
                maker(pictures)

        return files

    def listening(pictures):
        with socket.socket(socket.AF_UNIX) as s:
            here = os.open(pictures, os.O_RDONLY)
            s.bind(f"/proc/self/fd/{here}/x.png")
            os.close(here)

    link = lambda target: lambda pictures: (pictures / "x.png").symlink_to(target)
    for id, what, maker in [
        ("I21-loop", "a link to itself", link("x.png")),
        ("I21-dangling", "a link to nothing", link("nothing.png")),
        ("I21-zero", "a link to /dev/zero", link("/dev/zero")),
        ("I21-fifo", "a pipe", lambda pictures: os.mkfifo(pictures / "x.png")),
        ("I21-folder", "a folder named x.png", lambda pictures: (pictures / "x.png").mkdir()),
        ("I21-socket", "a socket", listening),
    ]:
        yield Row(
            id,
            f"{what} among the images",
            place(maker),
            FEATURES,
            65,
            "InputChanged" if id == "I21-dangling" else "NotARegularFile",
            names="x.png",
        )
    yield Row(
        "I21-link",
        "a link to an image of the same folder",
        place(link("0.png")),
        FEATURES,
        0,
        writes=WRITTEN,
        check=same,
    )

    for id, what, name in [
        ("I23-newline", "a name with a line feed", b"a\nb.png"),
        ("I23-not-utf8", "a name that is not UTF-8", b"\xff\xfe.png"),
        ("I23-option", "a name like an option", b"-rf.png"),
        ("I23-workflow", "a name like a command of GitHub's runner", b"::error::x.png"),
        ("I23-direction", "a name that reverses the direction of text", "a\u202egnp.png".encode()),
        ("I23-markup", "a name like HTML", b"<img onerror=x>.png"),
        ("I23-255", "a name of 255 bytes", b"a" * 251 + b".png"),
        ("I23-escape", "a name with an escape sequence", b"\x1b]0;x\x07.png"),
    ]:

        def write(content, name=name):
            def maker(pictures):
                with open(os.path.join(os.fsencode(pictures), name), "wb") as stream:
                    stream.write(content)

            return maker

        yield Row(id, what, place(write(good)), FEATURES, 0, writes=WRITTEN, check=same)
        yield Row(
            f"{id}-refused",
            f"{what}, of a file that is refused",
            place(write(b"x")),
            FEATURES,
            65,
            "UnsupportedFormat",
            names="png",
            check=printable,
        )

    def both(pictures):
        for name in "\u00e9.png", "e\u0301.png":
            (pictures / name).write_bytes(good)

    yield Row(
        "I23-forms",
        "two names that look alike, in both Unicode normal forms",
        place(both),
        FEATURES,
        0,
        writes=WRITTEN,
        check=lambda folder, _: "" if len(arrays(folder)) == 3 else "an image was left out",
    )
    def unfinished(pictures):
        for name, content in (("000000.png", good), (".dis-eval-unfinished", b"")):
            (pictures / name).write_bytes(content)

    yield Row(
        "I23-unfinished",
        "a folder of images that its writer left unfinished",
        place(unfinished),
        FEATURES,
        65,
        "ImagesUnfinished",
        names=".dis-eval-unfinished",
    )
    yield Row(
        "I24-none",
        "an empty folder",
        lambda folder: (folder / "pictures").mkdir(),
        FEATURES,
        66,
        "NoImages",
        names="pictures",
    )
    yield Row("I24-not-there", "no folder", {}, FEATURES, 66, "NotFound", names="pictures")
    fid = "fid --images pictures --ref {statistics}"
    yield Row("I24-one", "one image", {"pictures/0.png": good}, fid, 65, "TooFewSamples", names="")
    two = {"pictures/0.png": good, "pictures/1.png": plain(grey()[::-1])}
    yield Row(
        "I24-too-few", "2 images where 3 are required", two, fid + " --num 3", 65, "CountMismatch", names="pictures"
    )
    yield Row(
        "I24-too-many",
        "3 images where 2 are required",
        {**two, "pictures/2.png": plain(grey().T)},
        fid + " --num 2",
        65,
        "CountMismatch",
        names="pictures",
    )
    yield Row(
        "I24-hard-link",
        "one file under two names",
        place(lambda pictures: os.link(pictures / "0.png", pictures / "1.png")),
        FEATURES,
        0,
        writes=WRITTEN,
        check=same,
    )
    yield Row(
        "I25-copies",
        "200 copies of one image, with a warning",
        place(lambda pictures: [(pictures / f"{i}.png").write_bytes(good) for i in range(1, 200)]),
        fid,
        0,
        says=("warning",),
    )
    yield Row(
        "I20-one-pixel",
        "an image of one pixel, for an extractor of 28 x 28",
        {"pictures/0.png": plain(grey()[:1, :1]), "pictures/1.png": good},
        FEATURES,
        65,
        "ImageMismatch",
        names="0.png",
    )
    yield Row(
        "I20-mixed",
        "images of different sizes, for an extractor of 28 x 28",
        {**two, "pictures/2.png": plain(grey()[:14, :14])},
        FEATURES,
        65,
        "ImageMismatch",
        names="2.png",
    )


def printable(_, outcome):
    """No character of a name may act on a terminal, start a line or reverse the text."""
    bad = [c for c in outcome.error if ord(c) < 32 or c in "\x7f\u202e"]
    starts = [line for line in outcome.errors.splitlines() if line.startswith("::")]
    return "the name is printed as it stands" if bad or starts or "error:" not in outcome.error else ""


def archives():
    good = plain(grey())
    pair = archive([("a.png", good), ("b.png", good)])
    features = FEATURES.replace("pictures", "pictures.zip")

    def zipped(entries, symlink=False):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as z:
            for name, content in entries:
                info = zipfile.ZipInfo(name)
                if symlink:
                    info.external_attr = 0o120777 << 16
                z.writestr(info, content)
        return buffer.getvalue()

    for id, what, content, fault in [
        ("I26-traversal", "an archive with an image ../../x.png", archive([("../../x.png", good)]), "ZipName"),
        ("I26-absolute", "an archive with an image /etc/x.png", archive([("/etc/x.png", good)]), "ZipName"),
        (
            "I26-link",
            "an archive with a link",
            zipped([("a.png", good), ("x.png", "/etc/passwd")], symlink=True),
            "UnsupportedFormat",
        ),
        ("I26-same-name", "an archive with two images of one name", archive([("a.png", good)] * 2), "DuplicateEntry"),
        (
            "I26-bad-image",
            "an archive with a broken image",
            archive([("a.png", good), ("b.png", good[:-20])]),
            "Truncated",
        ),
        ("I26-checksum", "an archive with a changed byte", pair.replace(good[-20:-16], bytes(4)), "CRCMismatch"),
        ("I26-tar", "a tar file named .zip", builders.hostile.cases["A20-tar"], "UnsupportedFormat"),
        ("I26-cut", "an archive cut short", pair[:-10], "ZipTruncated"),
        ("I26-nothing", "an archive of text", archive([("a.txt", b"x")]), "NoImages"),
    ]:
        status = 66 if id == "I26-nothing" else 65
        yield Row(id, what, {"pictures.zip": content}, features, status, fault)
    yield Row(
        "I26-million",
        "an archive of 1,000,000 images",
        {"pictures.zip": million},
        features,
        65,
        "Truncated",
        slow=True,
        seconds=10,
        note="ImageNet has more images, so their number has no limit; these have 0 bytes",
    )


@functools.cache
def inception() -> bytes:
    """Inception with synthetic weights."""
    return builders.safetensors(builders.synthetic.inception_state())


def as_pillow(kind):
    """The fixtures of a format must have the features of plain pictures with the pixels that Pillow reads."""

    def steps(bench):
        expected = np.load(FIXTURES / kind / "pillow.npz", allow_pickle=False)
        for folder in "odd", "plain":
            (bench.folder / folder).mkdir()
        for path in sorted((FIXTURES / kind).iterdir()):
            if path.stem in expected:
                (bench.folder / "odd" / path.name).write_bytes(path.read_bytes())
                pixels = expected[path.stem]
                (bench.folder / "plain" / f"{path.stem}.png").write_bytes(
                    png(pixels.shape[1], pixels.shape[0], colour=2, raw=rows(pixels))
                )
        found = []
        for folder in "odd", "plain":
            bench.expect(f"features --images {folder} --weights inception.safetensors --out {folder}.npz")
            with np.load(bench.folder / f"{folder}.npz", allow_pickle=False) as content:
                found.append(content["features"])
        assert len(found[0]) == len(expected.files) and np.array_equal(*found), "the pixels are not those of Pillow"

    return steps


def reconstructions():
    """Pairs of decoded images and originals that do not fit together."""
    good = plain(grey())
    command = "reconstruct --images decoded --ref originals --metrics psnr"
    pair = {"decoded/a.png": good, "originals/a.png": good}
    array, statistics = io.BytesIO(), io.BytesIO()
    np.savez(array, arr_0=np.zeros((1, SIDE, SIDE, 3), np.uint8))
    np.savez(statistics, mu=np.zeros(4), sigma=np.eye(4))
    for id, what, files, fault, names in [
        ("I28-alone", "a decoded image without an original", {"decoded/b.png": good}, "PairsMissing", "b.png"),
        ("I28-original", "an original without a decoded image", {"originals/b.png": good}, "PairsMissing", "b.png"),
        ("I28-same", "two originals of one name", {"originals/a.bmp": good}, "PairsAmbiguous", "a.bmp"),
        ("I28-size", "an original of another size", {"originals/a.png": plain(grey()[:14])}, "ImageMismatch", "a.png"),
        ("I28-broken", "an original cut short", {"originals/a.png": good[:-20]}, "Truncated", "a.png"),
    ]:
        yield Row(id, what, {**pair, **files}, command, 65, fault, names=names)
    for id, what, content, fault in [
        ("I28-array", "a folder of decoded images, and an array of originals", array, "PairsAmbiguous"),
        ("I28-statistics", "statistics in place of originals", statistics, "ImagesNeeded"),
    ]:
        files = {"decoded/a.png": good, "other.npz": content.getvalue()}
        yield Row(id, what, files, command.replace("originals", "other.npz"), 65, fault, names="")
    yield Row(
        "I28-hostile-name",
        "a decoded image without an original whose name acts on a terminal",
        {**pair, "decoded/\x1b[2J\u202e.png": good},
        command,
        65,
        "PairsMissing",
        names="",
        check=printable,
    )
    yield Row(
        "I28-equal", "a decoded PNG and its equal original", pair, command, 0, says=("1 of them equal", "100.0000 dB")
    )


def through_inception():
    weights = {"inception.safetensors": inception}
    features = FEATURES.replace("{extractor}", "inception.safetensors")
    sizes = {f"pictures/{width}.png": png(width, 40, colour=2) for width in (1, 28, 700)}
    yield Row(
        "I20-sizes",
        "images of different sizes, for Inception",
        {**weights, **sizes},
        features,
        0,
        writes=WRITTEN,
        slow=True,
        seconds=30,
        memory=512 << 20,
    )
    yield Row(
        "I27-png",
        "every kind of PNG file, with Pillow's pixels",
        weights,
        "",
        0,
        steps=as_pillow("png"),
        slow=True,
        seconds=60,
        answer="accepted",
    )
    yield Row(
        "I27-jpeg",
        "every kind of JPEG file, with Pillow's pixels",
        weights,
        "",
        0,
        steps=as_pillow("jpeg"),
        slow=True,
        seconds=60,
        answer="accepted",
    )


def million() -> bytes:
    """A zip64 archive of 1,000,000 entries of 0 bytes."""
    count, names = 1_000_000, 11
    local = struct.Struct("<4s5H3I2H11s")
    central = struct.Struct("<4s6H3I5H2I11s")
    entries = [(b"%07d.png" % i, i * local.size) for i in range(count)]
    body = b"".join(local.pack(b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, names, 0, name) for name, _ in entries)
    listing = b"".join(
        central.pack(b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, names, 0, 0, 0, 0, 0, offset, name)
        for name, offset in entries
    )
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(listing), len(body))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(body) + len(listing), 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(listing), len(body), 0)
    return body + listing + record + locator + end


SECTIONS = [
    ("Images", "", [*pngs(), *accepted_pngs(), *jpegs(), *through_inception()]),
    ("Folders and archives of images", "", [*folder_rows(), *archives()]),
    ("Decoded images and their originals", "", [*reconstructions()]),
]
