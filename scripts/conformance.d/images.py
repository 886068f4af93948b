"""Writes the image sets, which are pairs of folders: A is scored against B. Deterministic; needs no network.

python images.py WORK N SMALL -> WORK/sets/KIND-COUNT/{A,B}/*, and {A,B}.npz beside them if all have one size

Every image is a random crop of a photograph that ships in the scikit-image and scikit-learn wheels, scaled, flipped,
recoloured, and mixed with a random texture, so that thousands of different images span all feature dimensions. Side B
is drawn from the same photographs with other random numbers, then blurred and recoloured, so that the distance is not
near zero.
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import skimage
import sklearn.datasets
from PIL import Image, ImageFilter

PHOTOGRAPHS = [
    *(
        Path(skimage.__file__).parent / "data" / name
        for name in (
            "astronaut.png",
            "chelsea.png",
            "coffee.png",
            "rocket.jpg",
            "hubble_deep_field.jpg",
            "retina.jpg",
            "ihc.png",
            "motorcycle_left.png",
            "brick.png",
            "grass.png",
            "gravel.png",
        )
    ),
    *(Path(sklearn.datasets.__file__).parent / "images" / name for name in ("china.jpg", "flower.jpg")),
]


@cache
def photograph(index: int) -> Image.Image:
    return Image.open(PHOTOGRAPHS[index]).convert("RGB")


def texture(random: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Float H x W x 3 in about [0, 1]: waves, checks or coloured noise."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    kind = random.integers(3)
    if kind == 2:
        side = int(random.integers(2, 24))
        noise = random.integers(0, 256, (side, side, 3)).astype(np.uint8)
        return np.asarray(Image.fromarray(noise).resize((width, height), Image.BICUBIC)) / 255
    angle, frequency = random.uniform(0, np.pi), np.exp(random.uniform(np.log(2), np.log(40)))
    wave = np.sin(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)) + random.uniform(0, 6))
    if kind == 1:
        wave = np.sign(wave * np.sin(2 * np.pi * frequency * (y * np.cos(angle) - x * np.sin(angle))))
    first, second = random.uniform(0, 1, (2, 3))
    return first + (second - first) * (wave[..., None] + 1) / 2


def picture(random: np.random.Generator, width: int, height: int, changed: bool) -> Image.Image:
    source = photograph(int(random.integers(len(PHOTOGRAPHS))))
    reach = min(source.width / width, source.height / height)
    scale = np.exp(random.uniform(np.log(min(0.25, reach / 2)), np.log(reach)))
    w, h = max(8, int(width * scale)), max(8, int(height * scale))
    left, top = int(random.integers(source.width - w + 1)), int(random.integers(source.height - h + 1))
    crop = source.resize((width, height), Image.BICUBIC, box=(left, top, left + w, top + h))
    if random.integers(2):
        crop = crop.transpose(Image.FLIP_LEFT_RIGHT)
    if changed:
        crop = crop.filter(ImageFilter.GaussianBlur(0.02 * min(width, height) * random.uniform(0.5, 1.5)))
    pixels = np.asarray(crop) / 255
    weight = random.choice([0, 0.15, 0.5, 0.9])
    pixels = pixels + weight * (texture(random, width, height) - pixels)
    gain = random.uniform(0.6, 1.3, 3) * ([0.8, 1, 1.15] if changed else 1)
    pixels = (pixels - 0.5) * gain + 0.5 + random.normal(0, 0.08)
    pixels = pixels + random.normal(0, 1, pixels.shape) * random.uniform(0, 0.08) * (0.5 if changed else 1)
    return Image.fromarray((pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def size_of(kind: str, random: np.random.Generator) -> tuple[int, int]:
    if kind == "mixed":  # above and below 299, never square by design
        return tuple(int(v) for v in random.integers(24, 420, 2))
    return {"tiny": (32, 32), "square": (256, 256), "jpeg": (96, 72), "grey": (64, 64)}[kind]


def write(folder: Path, kind: str, side: str, count: int):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = []
    for index in range(count):
        random = np.random.default_rng([list(KINDS).index(kind), "AB".index(side), index])
        width, height = size_of(kind, random)
        image = picture(random, width, height, side == "B")
        if kind == "grey":
            image = image.convert("L")
        path = folder / f"{index:05d}.{'jpg' if kind == 'jpeg' else 'png'}"
        if kind == "jpeg":
            quality = int(random.integers(35, 70) if side == "B" else random.integers(75, 97))
            image.save(path, quality=quality, subsampling=int(random.integers(3)))
        else:
            image.save(path, compress_level=1)
        if kind != "mixed":
            arrays.append(np.asarray(Image.open(path).convert("RGB")))
    if arrays:
        np.savez(folder.with_suffix(".npz"), arr_0=np.stack(arrays))


KINDS = {
    "tiny": "32 x 32, PNG",
    "mixed": "24 to 419 pixels a side, PNG, each its own size",
    "square": "256 x 256, PNG",
    "jpeg": "96 x 72, JPEG of different qualities and subsamplings",
    "grey": "64 x 64, greyscale PNG",
}


def main():
    work, large, small = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for kind in KINDS:
        count = large if kind == "tiny" else small
        if count == 0:
            continue
        done = work / "sets" / f"{kind}-{count}" / "done"
        if not done.exists():
            print(f"images: {kind}, 2 x {count}", flush=True)
            for side in "AB":
                write(done.parent / side, kind, side, count)
            done.touch()


if __name__ == "__main__":
    main()
