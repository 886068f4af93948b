"""Writes what the damaged models of `demo` need: labels, labels without class 9, and weights with noise.

    python3 damage.py MODEL.safetensors DIR SAMPLES
"""

import json
import pathlib
import sys

import numpy as np

# The noise of a weight as a share of the standard deviation of its tensor.
NOISE = 0.06


def add_noise(source, target, random):
    content = bytearray(source.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    for name, tensor in sorted(json.loads(content[8:start]).items()):
        if name == "__metadata__":
            continue
        if tensor["dtype"] != "F32":
            sys.exit(f"damage.py: {name} is {tensor['dtype']}, expected F32")
        first, last = tensor["data_offsets"]
        weights = np.frombuffer(content, np.float32, (last - first) // 4, start + first).copy()
        weights += (NOISE * weights.std() * random.standard_normal(weights.shape)).astype(np.float32)
        content[start + first : start + last] = weights.tobytes()
    target.write_bytes(content)


def main():
    model, folder, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    random = np.random.RandomState(0)
    labels = random.randint(0, 10, count)
    np.save(folder / "labels.npy", labels)
    # Samples of class 9 get another class; the others stay pairs.
    np.save(folder / "labels-without-9.npy", np.where(labels == 9, random.randint(0, 9, count), labels))
    add_noise(model, folder / "noisier.safetensors", random)


if __name__ == "__main__":
    main()
