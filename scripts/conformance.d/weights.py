"""The synthetic, calibrated Inception network of the tests, in the file format of each peer.

python weights.py WORK -> WORK/weights/inception.pth, inception-2015-12-05.pt, classify_image_graph_def.pb and sha256

The numbers come from scripts/fixtures/synthetic.py, with the batch statistics in Tests/FeatureExtractorsTests. The
formats are those of the published files, which these files replace.
"""

import hashlib
import struct
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "fixtures"))
from synthetic import inception_state, inception_units


def state() -> dict[str, np.ndarray]:
    statistics = np.load(ROOT / "Tests" / "FeatureExtractorsTests" / "Fixtures" / "inception_bn.npy")
    return {key: np.array(array) for key, array in inception_state(statistics).items()}


# MARK: TorchScript, as NVIDIA distributes it


def torchscript(path: Path, weights: dict[str, np.ndarray]):
    """`layers` (N x 3 x 299 x 299 in [-1, 1) -> N x 2048), `output` (logits), and a forward that resizes by itself."""
    import torch
    import torch.nn.functional as F
    from pytorch_fid.inception import InceptionV3, fid_inception_v3
    from torch import nn

    class Flat(nn.Module):
        """pytorch-fid's network without its resize and scale: the same graph as NVIDIA's."""

        def __init__(self, blocks):
            super().__init__()
            self.blocks = nn.Sequential(*[layer for block in blocks for layer in block])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.blocks(x).flatten(1)

    class Output(nn.Module):
        def __init__(self, weight, bias):
            super().__init__()
            self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

        def forward(self, x: torch.Tensor, no_output_bias: bool) -> torch.Tensor:
            logits = x.matmul(self.weight.t())
            return torch.softmax(logits if no_output_bias else logits + self.bias, dim=1)

    class Inception(nn.Module):
        def __init__(self, layers, output):
            super().__init__()
            self.layers, self.output = layers, output

        def forward(
            self,
            img: torch.Tensor,
            return_features: bool = False,
            use_fp16: bool = False,
            no_output_bias: bool = False,
        ) -> torch.Tensor:
            x = img.to(torch.float16 if use_fp16 else torch.float32)
            height, width = x.shape[2], x.shape[3]
            # TensorFlow 1's bilinear resize (no half pixels, clamped at the border) as an affine sampling grid.
            theta = torch.eye(2, 3, dtype=torch.float32, device=x.device)
            theta[0, 2] += theta[0, 0] / width - theta[0, 0] / 299
            theta[1, 2] += theta[1, 1] / height - theta[1, 1] / 299
            grid = F.affine_grid(
                theta.unsqueeze(0).repeat(x.shape[0], 1, 1), [x.shape[0], 3, 299, 299], align_corners=False
            )
            x = F.grid_sample(x, grid.to(x.dtype), "bilinear", "border", align_corners=False)
            features = self.layers((x - 128) / 128)
            return features if return_features else self.output(features, no_output_bias)

    with local_weights(weights):
        network = InceptionV3([3], resize_input=False, normalize_input=False).eval()
        classifier = fid_inception_v3().fc
    example = torch.zeros(2, 3, 299, 299)
    with torch.no_grad():
        layers = torch.jit.trace(Flat(network.blocks).eval(), example)
        module = Inception(layers, torch.jit.script(Output(classifier.weight, classifier.bias)))
        for parameter in module.parameters():
            parameter.requires_grad = False
        torch.jit.script(module.eval()).save(str(path))


class local_weights:
    """A context in which pytorch-fid's download returns our tensors."""

    def __init__(self, weights):
        self.weights = weights

    def __enter__(self):
        import pytorch_fid.inception as module
        import torch

        self.module, self.original = module, module.load_state_dict_from_url
        tensors = {key: torch.from_numpy(array) for key, array in self.weights.items()}
        module.load_state_dict_from_url = lambda *_, **__: tensors

    def __exit__(self, *_):
        self.module.load_state_dict_from_url = self.original


# MARK: TensorFlow's frozen graph


def messages(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


FLOAT, INT32, STRING, UINT8 = 1, 3, 7, 4


def tensor(array: np.ndarray) -> bytes:
    dtype = {"float32": FLOAT, "int32": INT32}[array.dtype.name]
    shape = b"".join(messages(2, varint(1 << 3) + varint(n)) for n in array.shape)
    return varint(1 << 3) + varint(dtype) + messages(2, shape) + messages(4, np.ascontiguousarray(array).tobytes())


class Graph:
    """A GraphDef written by hand: BatchNormWithGlobalNormalization exists only in graphs of an old version."""

    def __init__(self):
        self.bytes = b""

    def add(self, name: str, operation: str, *inputs: str, **attributes) -> str:
        node = messages(1, name.encode()) + messages(2, operation.encode())
        node += b"".join(messages(3, i.encode()) for i in inputs)
        for key, value in attributes.items():
            node += messages(5, messages(1, key.encode()) + messages(2, self.attribute(value)))
        self.bytes += messages(1, node)
        return name

    @staticmethod
    def attribute(value) -> bytes:
        """AttrValue: bytes s = 2, int i = 3, float f = 4, bool b = 5, type = 6, shape = 7, tensor = 8, list = 1."""
        match value:
            case bool():
                return varint(5 << 3) + varint(int(value))
            case int():
                return varint(3 << 3) + varint(value)
            case float():
                return varint(4 << 3 | 5) + struct.pack("<f", value)
            case str():
                return messages(2, value.encode())
            case ("type", kind):
                return varint(6 << 3) + varint(kind)
            case ("shape", kind):
                return messages(7, b"".join(messages(2, varint(1 << 3) + varint(n)) for n in kind))
            case np.ndarray():
                return messages(8, tensor(value))
            case list():
                return messages(1, messages(3, b"".join(varint(v) for v in value)))

    def constant(self, name: str, array: np.ndarray) -> str:
        kind = INT32 if array.dtype == np.int32 else FLOAT
        return self.add(name, "Const", dtype=("type", kind), value=array)

    def finish(self) -> bytes:
        return self.bytes + messages(4, varint(1 << 3) + varint(8))  # versions.producer = 8


def frozen_graph(path: Path, weights: dict[str, np.ndarray]):
    """The nodes of classify_image_graph_def.pb, under their names."""
    graph, kernel = Graph(), {name: (height, width) for name, _, _, height, width in inception_units()}
    real = ("type", FLOAT)

    def unit(name, source, module, stride=1, padding="SAME"):
        filters = graph.constant(f"{name}/conv2d_params", weights[f"{module}.conv.weight"].transpose(2, 3, 1, 0))
        assert filters and kernel[module]
        x = graph.add(
            f"{name}/Conv2D", "Conv2D", source, filters, T=real, strides=[1, stride, stride, 1], padding=padding
        )
        parts = [
            ("moving_mean", "running_mean"),
            ("moving_variance", "running_var"),
            ("beta", "bias"),
            ("gamma", "weight"),
        ]
        inputs = [graph.constant(f"{name}/batchnorm/{tf}", weights[f"{module}.bn.{torch}"]) for tf, torch in parts]
        x = graph.add(
            f"{name}/batchnorm",
            "BatchNormWithGlobalNormalization",
            x,
            *inputs,
            T=real,
            variance_epsilon=0.001,
            scale_after_normalization=True,
        )
        return graph.add(name, "Relu", x, T=real)

    def pool(name, source, kind, size=3, stride=2, padding="VALID"):
        return graph.add(
            name, kind, source, T=real, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding=padding
        )

    def join(name, *branches):
        axis = graph.constant(f"{name}/concat_dim", np.array(3, np.int32))
        return graph.add(name, "Concat", axis, *branches, T=real, N=len(branches))

    def tower(name, x, prefix, *modules, last=1):
        for index, module in enumerate(modules):
            suffix = f"_{index}" if index else ""
            end = index == len(modules) - 1 and last == 2
            x = unit(f"{name}/conv{suffix}", x, f"{prefix}.{module}", *((2, "VALID") if end else ()))
        return x

    contents = graph.add("DecodeJpeg/contents", "Placeholder", dtype=("type", STRING), shape=("shape", ()))
    x = graph.add("DecodeJpeg", "DecodeJpeg", contents, channels=3)
    x = graph.add("Cast", "Cast", x, SrcT=("type", UINT8), DstT=real)
    axis = graph.constant("ExpandDims/dim", np.array(0, np.int32))
    x = graph.add("ExpandDims", "ExpandDims", x, axis, T=real)
    size = graph.constant("ResizeBilinear/size", np.array([299, 299], np.int32))
    x = graph.add("ResizeBilinear", "ResizeBilinear", x, size, T=real, align_corners=False)
    x = graph.add("Sub", "Sub", x, graph.constant("Sub/y", np.array(128, np.float32)), T=real)
    x = graph.add("Mul", "Mul", x, graph.constant("Mul/y", np.array(1 / 128, np.float32)), T=real)
    x = unit("conv", x, "Conv2d_1a_3x3", 2, "VALID")
    x = unit("conv_1", x, "Conv2d_2a_3x3", 1, "VALID")
    x = unit("conv_2", x, "Conv2d_2b_3x3")
    x = pool("pool", x, "MaxPool")
    x = unit("conv_3", x, "Conv2d_3b_1x1", 1, "VALID")
    x = unit("conv_4", x, "Conv2d_4a_3x3", 1, "VALID")
    x = pool("pool_1", x, "MaxPool")
    for name, module in [("mixed", "Mixed_5b"), ("mixed_1", "Mixed_5c"), ("mixed_2", "Mixed_5d")]:
        x = join(
            f"{name}/join",
            tower(name, x, module, "branch1x1"),
            tower(f"{name}/tower", x, module, "branch5x5_1", "branch5x5_2"),
            tower(f"{name}/tower_1", x, module, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
            tower(f"{name}/tower_2", pool(f"{name}/tower_2/pool", x, "AvgPool", 3, 1, "SAME"), module, "branch_pool"),
        )
    x = join(
        "mixed_3/join",
        tower("mixed_3", x, "Mixed_6a", "branch3x3", last=2),
        tower("mixed_3/tower", x, "Mixed_6a", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3", last=2),
        pool("mixed_3/pool", x, "MaxPool"),
    )
    for index, letter in enumerate("bcde"):
        name, module = f"mixed_{4 + index}", f"Mixed_6{letter}"
        x = join(
            f"{name}/join",
            tower(name, x, module, "branch1x1"),
            tower(f"{name}/tower", x, module, "branch7x7_1", "branch7x7_2", "branch7x7_3"),
            tower(f"{name}/tower_1", x, module, *(f"branch7x7dbl_{i}" for i in range(1, 6))),
            tower(f"{name}/tower_2", pool(f"{name}/tower_2/pool", x, "AvgPool", 3, 1, "SAME"), module, "branch_pool"),
        )
    x = join(
        "mixed_8/join",
        tower("mixed_8/tower", x, "Mixed_7a", "branch3x3_1", "branch3x3_2", last=2),
        tower("mixed_8/tower_1", x, "Mixed_7a", *(f"branch7x7x3_{i}" for i in range(1, 5)), last=2),
        pool("mixed_8/pool", x, "MaxPool"),
    )
    for name, module, kind in [("mixed_9", "Mixed_7b", "AvgPool"), ("mixed_10", "Mixed_7c", "MaxPool")]:
        first = tower(f"{name}/tower", x, module, "branch3x3_1")
        second = tower(f"{name}/tower_1", x, module, "branch3x3dbl_1", "branch3x3dbl_2")
        x = join(
            f"{name}/join",
            tower(name, x, module, "branch1x1"),
            unit(f"{name}/tower/mixed/conv", first, f"{module}.branch3x3_2a"),
            unit(f"{name}/tower/mixed/conv_1", first, f"{module}.branch3x3_2b"),
            unit(f"{name}/tower_1/mixed/conv", second, f"{module}.branch3x3dbl_3a"),
            unit(f"{name}/tower_1/mixed/conv_1", second, f"{module}.branch3x3dbl_3b"),
            tower(f"{name}/tower_2", pool(f"{name}/tower_2/pool", x, kind, 3, 1, "SAME"), module, "branch_pool"),
        )
    x = pool("pool_3", x, "AvgPool", 8, 1)
    x = graph.add(
        "pool_3/_reshape", "Reshape", x, graph.constant("pool_3/_reshape/shape", np.array([-1, 2048], np.int32)), T=real
    )
    x = graph.add(
        "softmax/logits/MatMul", "MatMul", x, graph.constant("softmax/weights", weights["fc.weight"].T), T=real
    )
    x = graph.add("softmax/logits", "BiasAdd", x, graph.constant("softmax/biases", weights["fc.bias"]), T=real)
    graph.add("softmax", "Softmax", x, T=real)
    path.write_bytes(graph.finish())


def main():
    import torch

    folder = Path(sys.argv[1]) / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    weights = state()
    if not (folder / "inception.pth").exists():
        torch.save({key: torch.from_numpy(array) for key, array in weights.items()}, folder / "inception.pth")
    torchscript(folder / "inception-2015-12-05.pt", weights)
    frozen_graph(folder / "classify_image_graph_def.pb", weights)
    (folder / "sha256").write_text(hashlib.sha256((folder / "inception.pth").read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
