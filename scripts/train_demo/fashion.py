"""Fashion-MNIST from its idx files (Debian package dataset-fashion-mnist), and the mapping of bytes to model input."""

import gzip
import pathlib

import numpy as np
import torch

FOLDER = "/usr/share/datasets/fashion-mnist"


def load(split, folder=FOLDER):
    """Images [N, 28, 28] and labels [N], uint8; `split` is "train" or "t10k"."""
    arrays = []
    for name, header in ((f"{split}-images-idx3-ubyte.gz", 16), (f"{split}-labels-idx1-ubyte.gz", 8)):
        with gzip.open(pathlib.Path(folder) / name) as file:
            arrays.append(np.frombuffer(file.read(), dtype=np.uint8, offset=header))
    images, labels = arrays
    return torch.from_numpy(images.reshape(-1, 28, 28).copy()), torch.from_numpy(labels.copy())


def to_float(images):
    """Bytes [N, 28, 28] -> float32 [N, 1, 28, 28] in [-1, 1]."""
    return images.unsqueeze(1).float() / 127.5 - 1


def train_set(folder=FOLDER):
    """The training images as `to_float` gives them, and their labels as int64."""
    images, labels = load("train", folder)
    return to_float(images), labels.long()
