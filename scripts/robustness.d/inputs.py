"""Makes what the commands of faults.py read."""

import contextlib
import functools
import http.server
import json
import shutil
import struct
import sys
import threading
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]

GENERATOR = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from dis_eval_generator import serve

def sample(indices, labels, keys):
    return np.stack([np.random.default_rng(int(key)).integers(0, 256, (28, 28, 1), np.uint8) for key in keys])

serve(sample, name="noise", image=(28, 28, 1), classes=10, batch=2, differs="last_bits")
"""


def make(place, everything: bool):
    """Fills the folder of inputs; `everything` also makes the large ones."""
    sample = "sample --ckpt {ckpt} --steps 2 --seed 1 --threads 1 --quiet --num"
    score = "fid --ckpt {ckpt} --ref {ref} --steps 2 --threads 1 --quiet --num"
    for command in (
        f"{sample} 2 --out {{in}}/two.npz --raw-out {{in}}/two.npy --grid {{in}}/two.png",
        f"{sample} 2 --out {{in}}/two.zip",
        f"{sample} 4 --out {{in}}/four.npz",
        f"{score} 4 --out {{in}}/result.json",
        f"{score} 2 --out {{in}}/two.json",
        "stats make --images {in}/four.npz --weights {weights} --keep-features 2 --out {in}/stats.npz",
    ):
        must(place, command)
    (place.input / "lines.txt").write_text("old\n")
    if not everything:
        return
    must(place, f"{score} 4 --unit 2 --run {{in}}/run --grid {{in}}/grid.png --save-images {{in}}/images.npz")
    shutil.copy(ROOT / "scripts/train_demo/fashion-dis.safetensors", place.input / "100.safetensors")
    shutil.copy(ROOT / "scripts/train_demo/fashion-dis.pt", place.input / "200.pt")
    must(place, "sweep {in}/100.safetensors {in}/200.pt --ref {ref} --num 2 --steps 2 --quiet --out {in}/sweep")
    folder = str(ROOT / "scripts/generators")
    (place.input / "generator.py").write_text(GENERATOR.format(folder=folder))
    np.savez(place.input / "large.npz", mu=np.arange(2048) / 2048, sigma=np.eye(2048))
    write_inception(place.input / "inception.safetensors")


def must(place, command: str):
    outcome = place.run(command)
    if outcome.status != 0:
        sys.exit(f"The inputs cannot be made: {command}: exit {outcome.status}, {outcome.message}")


def write_inception(path: Path):
    """Writes the synthetic Inception network of the tests, with pytorch-fid's names."""
    sys.path.insert(0, str(ROOT / "scripts/fixtures"))
    from synthetic import inception_state

    statistics = np.load(ROOT / "Tests/FeatureExtractorsTests/Fixtures/inception_bn.npy")
    arrays = {name: np.array(array, np.float32) for name, array in inception_state(statistics).items()}
    header, end = {}, 0
    for name, array in arrays.items():
        offsets = [end, end := end + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(array.tobytes())


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        # A killed client closes the connection.
        with contextlib.suppress(ConnectionError):
            super().copyfile(source, outputfile)


@contextlib.contextmanager
def server(folder: Path):
    """Serves the files of a folder on this machine, and yields the address."""
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
