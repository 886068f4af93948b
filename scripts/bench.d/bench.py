"""Times dis-eval and its peers in turns, checks that they agree, and writes a page.

python bench.py WORK DIS_EVAL PAGE ROUNDS IMAGES [PART...]
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts" / part) for part in ("conformance.d", "fixtures/reference", "fixtures")]
THREADS = 2  # on both sides
SECONDS = 3  # the least that one measurement takes


class Contest:
    """Contenders for one piece of work, who take turns."""

    def __init__(self, name: str, unit: str, case: str | None = None):
        self.name, self.unit, self.case = name, unit, case
        self.peers, self.rates, self.peaks = {}, {}, []

    def peer(self, name: str, items: int, call):
        """call() does `items` of the work."""
        self.peers[name] = (items, call)

    def run(self, rounds: int):
        for _, call in self.peers.values():
            call()  # warms up
        for number in range(rounds):
            if self.case:
                found = dis_eval_bench(self.case)
                self.peaks.append(found["peak_gflops"])
                self.add("dis-eval", found["per_second"])
            for name, (items, call) in self.peers.items():
                start, done = time.monotonic(), 0
                while done == 0 or time.monotonic() - start < SECONDS:
                    call()
                    done += items
                self.add(name, done / (time.monotonic() - start))
            say(f"{self.name}, round {number + 1} of {rounds}: {self.line()}")

    def add(self, name: str, rate: float):
        self.rates.setdefault(name, []).append(rate)

    def line(self) -> str:
        return ", ".join(f"{name} {rates[-1]:.3g}" for name, rates in self.rates.items())

    def rate(self, name: str) -> float:
        return median(self.rates[name])

    def rows(self) -> list[str]:
        ours = self.rate("dis-eval")
        return [
            f"| {name} | {number(self.rate(name))} | {number(min(rates))} – {number(max(rates))} | "
            + ("" if name == "dis-eval" else f"**{ours / self.rate(name):.2f} ×**")
            + " |"
            for name, rates in self.rates.items()
        ]

    def table(self) -> str:
        head = f"| | {self.unit} per second, median | range | ratio |\n|---|---|---|---|\n"
        return head + "\n".join(self.rows()) + "\n"


def number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def say(text: str):
    print(f"==> {text}", file=sys.stderr, flush=True)


def dis_eval_bench(case: str, threads: int = THREADS) -> dict:
    command = [BINARY, "bench", "--only", case, "--threads", str(threads), "--seconds", str(SECONDS), "--json", "--quiet"]
    return json.loads(run(command).stdout)["measurements"][0]


def run(command) -> subprocess.CompletedProcess:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nexit status {done.returncode}\n{done.stderr[-3000:]}")
    return done


# MARK: Inception


def inception_network():
    """pytorch-fid's network with the weights of the tests, for images of 299 x 299."""
    import torch
    from pytorch_fid.inception import InceptionV3

    from weights import local_weights, state

    with local_weights(state()):
        network = InceptionV3([3], resize_input=False, normalize_input=False).eval()

    class Features(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return self.network(x)[0]

    return Features().eval()


def exported(network, x) -> Path:
    import torch

    path = WORK / "inception.onnx"
    if not path.exists():
        torch.onnx.export(network, (x,), str(path), dynamo=False, input_names=["x"])
    return path


BATCH = 16


def inception_contest() -> tuple[Contest, object, object]:
    """The contest with PyTorch, its network, and its batch."""
    import copy

    import torch

    network = inception_network()
    x = torch.rand(BATCH, 3, 299, 299)
    contest = Contest("inception", "images", "inception")
    contest.peer("PyTorch eager, NCHW", BATCH, lambda: network(x))
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    x_last = x.contiguous(memory_format=torch.channels_last)
    contest.peer("PyTorch eager, NHWC", BATCH, lambda: last(x_last))
    return contest, network, x


def inception(rounds: int) -> str:
    import onnxruntime

    contest, network, x = inception_contest()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(exported(network, x)), options, providers=["CPUExecutionProvider"])
    contest.peer("ONNX Runtime", BATCH, lambda: session.run(None, {"x": x.numpy()}))
    vino = openvino_model("f32", exported(network, x))
    contest.peer("OpenVINO", BATCH, lambda: vino([x.numpy()]))
    contest.run(rounds)
    share = contest.rate("dis-eval") * 2 * 5.711168096 / median(contest.peaks)
    return (
        "## Inception-v3 features, float32\n\n"
        f"The other tools get batches of {BATCH} images of 299 × 299. dis-eval takes four images at a time on each\n"
        "thread. Its time includes resizing and scaling 8-bit images, which is already done for the other\n"
        "tools.\n\n"
        f"{contest.table()}\n"
        f"Counted by their definition, the operations of the convolutions at dis-eval's rate are {share:.0%} of the\n"
        f"machine's peak with all operands in registers, measured in the same run ({median(contest.peaks):.0f} GFLOP/s). "
        "Methods that\nmultiply less can exceed 100 %.\n"
    )


def openvino_model(precision: str, path: Path):
    import openvino

    core = openvino.Core()
    return core.compile_model(
        core.read_model(str(path)),
        "CPU",
        {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": THREADS,
        },
    )


def bf16(rounds: int) -> str:
    import torch

    network = inception_network()
    x = torch.rand(BATCH, 3, 299, 299)
    path = exported(network, x)
    last = network.to(memory_format=torch.channels_last)
    x_last = x.contiguous(memory_format=torch.channels_last)
    contest = Contest("bf16", "images", "inception-bf16")

    def autocast():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            last(x_last)

    contest.peer("PyTorch autocast, NHWC", BATCH, autocast)
    vino = openvino_model("bf16", path)
    contest.peer("OpenVINO", BATCH, lambda: vino([x.numpy()]))
    contest.run(rounds)
    return f"## Inception-v3 features, bf16\n\n{contest.table()}"


# MARK: DiS and the decoder


def dis_contest() -> Contest:
    import numpy as np
    import refdis
    import torch

    from synthetic import MODELS

    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(False)  # refdis turns them on for its goldens
    state = {key: torch.from_numpy(np.array(array)) for key, array in MODELS["s2_px32"].state().items()}
    network, _ = refdis.build(state)
    contest = Contest("DiS-S/2", "forward passes", "dis-s2")
    for batch in (1, 8):
        x, t = torch.randn(batch, 3, 32, 32), torch.full((batch,), 500)
        contest.peer(f"PyTorch reference, batch of {batch}", batch, lambda x=x, t=t: network(x, t, None))
    return contest


def dis(rounds: int) -> str:
    contest = dis_contest()
    contest.run(rounds)
    measured = dis_eval_bench("dis-s2")
    share = contest.rate("dis-eval") * measured["giga_operations"] / median(contest.peaks)
    return (
        "## DiS-S/2, one forward pass\n\n"
        "The images are 32 × 32 × 3, which makes 257 tokens. The reference is the original code with its CUDA\n"
        "kernels replaced by their definition in PyTorch (`scripts/fixtures/reference`).\n\n"
        f"{contest.table()}\n"
        f"The operations of the matrix products at dis-eval's rate are {share:.0%} of the machine's peak with all\n"
        f"operands in registers, measured in the same run ({median(contest.peaks):.0f} GFLOP/s).\n"
    )


def original(repository: str, *names: str):
    """Modules of a repository in REFERENCE_REPOS, as they are."""
    import importlib

    folder = os.path.join(os.environ["REFERENCE_REPOS"], repository)
    sys.path.insert(0, folder)
    try:
        found = [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(folder)
    return found[0]


def transformer_contests():
    """For each network, its name, the case of `dis-eval bench`, and the contest."""
    import torch

    models, uvit = original("DiT", "models"), original("U-ViT", "libs.uvit")
    latent, pixels, labels = (4, 32, 32), (3, 32, 32), True
    cases = [
        ("DiT-S/2", "dit-s2", lambda: models.DiT_models["DiT-S/2"](input_size=32), latent, labels, None),
        ("DiT-B/2", "dit-b2", lambda: models.DiT_models["DiT-B/2"](input_size=32), latent, labels, None),
        ("DiT-B/2, bf16", "dit-b2-bf16", lambda: models.DiT_models["DiT-B/2"](input_size=32), latent, labels, torch.bfloat16),
        ("U-ViT-S/2", "uvit-s2", lambda: uvit.UViT(num_classes=-1, embed_dim=512, depth=12, num_heads=8, img_size=32, patch_size=2), pixels, not labels, None),
    ]  # fmt: skip
    for name, case, build, shape, has_labels, precision in cases:
        torch.manual_seed(0)
        network = build().eval()
        contest = Contest(name, "forward passes", case)
        for mode in ("eager", "compiled"):
            call = network if mode == "eager" else torch.compile(network)
            for batch in (1, 8):
                x, t = torch.randn(batch, *shape), torch.full((batch,), 500.0)
                y = (torch.zeros(batch, dtype=torch.long),) if has_labels else ()

                def run_network(call=call, arguments=(x, t, *y)):
                    if precision is None:
                        return call(*arguments)
                    with torch.autocast("cpu", dtype=precision):
                        return call(*arguments)

                contest.peer(f"PyTorch {mode}, batch of {batch}", batch, run_network)
        yield name, case, contest


def transformers(rounds: int) -> str:
    sections = []
    for name, case, contest in transformer_contests():
        contest.run(rounds)
        operations = dis_eval_bench(case)["giga_operations"]
        share = contest.rate("dis-eval") * operations / median(contest.peaks)
        sections.append(
            f"### {name}\n\n{contest.table()}\n"
            f"dis-eval does {operations:.1f} GFLOP for a pass, which at its rate is {share:.0%} of the machine's peak\n"
            f"with all operands in registers, measured in the same run ({median(contest.peaks):.0f} GFLOP/s).\n"
        )
    return (
        "## Transformers, one forward pass\n\n"
        "DiT gets latents of 32 × 32 × 4, which makes 256 tokens, and U-ViT images of 32 × 32 × 3, which makes\n"
        "257. PyTorch runs the original code, as it is and compiled.\n\n" + "\n".join(sections)
    )


# MARK: Processors without AVX-512

LIMITS = {
    "DIS_EVAL_KERNELS": "avx2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}


def avx2(rounds: int) -> str:
    """The same contests with PyTorch, without AVX-512 on both sides."""
    os.environ.update(LIMITS)
    import torch._inductor.config

    torch._inductor.config.cpp.simdlen = 256
    contests = [("Inception-v3", inception_contest()[0]), ("DiS-S/2", dis_contest())]
    rows = []
    for name, contest in contests + [(name, contest) for name, _, contest in transformer_contests() if "bf16" not in name]:
        contest.run(rounds)
        best = max((peer for peer in contest.rates if peer != "dis-eval"), key=contest.rate)
        rows.append(
            f"| {name} | {number(contest.rate('dis-eval'))} | {number(contest.rate(best))} | {best} | "
            f"**{contest.rate('dis-eval') / contest.rate(best):.2f} ×** | {median(contest.peaks):.0f} |"
        )
    return (
        "## Without AVX-512\n\n"
        "The same work on the same processor, on which dis-eval is limited by `--kernels avx2` and PyTorch by\n"
        "`ATEN_CPU_CAPABILITY=avx2`, `ONEDNN_MAX_CPU_ISA=AVX2` and `MKL_ENABLE_INSTRUCTIONS=AVX2`. ONNX Runtime has no\n"
        "such setting. The peak is that of multiply-adds of AVX2.\n\n"
        "| per second, median | dis-eval | best of PyTorch | which is | ratio | peak in GFLOP/s |\n"
        "|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


# MARK: Vision transformers


def vision(rounds: int) -> str:
    import copy

    import onnxruntime
    import timm
    import torch

    torch.manual_seed(0)
    network = timm.create_model("vit_large_patch14_dinov2", img_size=224, num_classes=0).eval()
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    compiled = torch.compile(network)
    x = torch.rand(8, 3, 224, 224)
    x_last = x.contiguous(memory_format=torch.channels_last)

    def autocast(call, pixels):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return call(pixels)

    contest = Contest("DINOv2-L", "images", "dinov2-l")
    contest.peer("PyTorch eager, NCHW", len(x), lambda: network(x))
    contest.peer("PyTorch eager, NHWC", len(x), lambda: last(x_last))
    contest.peer("PyTorch compiled", len(x), lambda: compiled(x))
    path = WORK / "dinov2-l.onnx"
    if not path.exists():
        # The exported file has the products and the softmax of attention, which ONNX Runtime fuses again.
        timm.layers.set_fused_attn(False)
        plain = timm.create_model("vit_large_patch14_dinov2", img_size=224, num_classes=0).eval()
        torch.onnx.export(plain, (x,), str(path), dynamo=False, input_names=["x"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    contest.peer("ONNX Runtime", len(x), lambda: session.run(None, {"x": x.numpy()}))
    contest.run(rounds)
    half = Contest("DINOv2-L, bf16", "images", "dinov2-l-bf16")
    half.peer("PyTorch autocast", len(x), lambda: autocast(network, x))
    half.peer("PyTorch autocast, compiled", len(x), lambda: autocast(compiled, x))
    half.run(rounds)
    operations = dis_eval_bench("dinov2-l")["giga_operations"]
    share = contest.rate("dis-eval") * operations / median(contest.peaks)
    return (
        "## DINOv2 ViT-L/14, features of images of 224 × 224\n\n"
        "PyTorch runs timm's network, with its fused attention. The other tools get batches of 8 images. dis-eval takes\n"
        "one image on each thread; its time includes the preparation of 8-bit images.\n\n"
        f"### float32\n\n{contest.table()}\n"
        f"dis-eval does {operations:.1f} GFLOP for an image, which at its rate is {share:.0%} of the machine's peak with\n"
        f"all operands in registers, measured in the same run ({median(contest.peaks):.0f} GFLOP/s).\n\n"
        f"### bf16\n\n{half.table()}"
    )


def extractors(images: int) -> str:
    """Inception and DINOv2-B, which read every image once, beside each of them alone."""
    import timm
    from safetensors.torch import save_file

    network_files()
    weights = WORK / "dinov2-b.safetensors"
    if not weights.exists():
        network = timm.create_model("vit_base_patch14_dinov2", num_classes=0)
        save_file({key: value.contiguous() for key, value in network.state_dict().items()}, str(weights))
    files = {"inception-2015": WORK / "weights" / "inception.pth", "dinov2-vit-b-14.edm2": weights}
    rows, path, out = [], pictures(images), WORK / "extractors.npz"
    for names in (["inception-2015"], ["dinov2-vit-b-14.edm2"], list(files)):
        command = [BINARY, "stats", "make", "--images", path, "--out", out, "--threads", THREADS, "--quiet"]
        command += ["--extractor", ",".join(names)]
        for name in names:
            command += ["--weights", files[name]]
        seconds, memory, _ = timed(command)
        say(f"{images} images, {', '.join(names)}: {seconds:.1f} s, {memory:.0f} MiB")
        rows.append(f"| {' and '.join(names)} | {seconds:.1f} s | {images / seconds:.1f} | {memory:.0f} MiB |")
    return (
        "## Two extractors in one pass\n\n"
        f"`stats make` of {images:,} PNG files of 256 × 256.\n\n"
        "| extractors | wall time | images per second | peak memory |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def growth(rounds: int) -> str:
    import math

    def measured(name: str) -> str:
        cases = {257: name, 1025: f"{name}-1025", 4097: f"{name}-4097"}
        return growth_of(cases, rounds, math)

    return (
        "## Growth of the cost with the number of tokens\n\n"
        "DiS-S/2 with a patch size of 2, and the same network with a transformer's blocks in place of the\n"
        "mixers, run on one thread with images of 32, 64 and 128 pixels a side.\n\n"
        "### DiS\n\n" + measured("dis-s2") + "\n### Attention\n\n" + measured("transformer-s2")
    )


def growth_of(cases: dict[int, str], rounds: int, math) -> str:
    seconds = {tokens: [] for tokens in cases}
    for _ in range(rounds):
        for tokens, case in cases.items():
            seconds[tokens].append(1 / dis_eval_bench(case, threads=1)["per_second"])
    times = {tokens: median(found) for tokens, found in seconds.items()}
    pairs = [(257, 1025), (1025, 4097), (257, 4097)]
    rows = [f"| {tokens} | {1e3 * value:.0f} ms | {1e6 * value / tokens:.0f} µs |" for tokens, value in times.items()]
    exponents = [
        f"{math.log(times[b] / times[a]) / math.log(b / a):.3f} from {a} to {b} tokens" for a, b in pairs
    ]
    say(f"growth of {cases[257]}: " + ", ".join(exponents))
    return (
        "| tokens | forward pass | per token |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"The exponents of the growth in time are {', '.join(exponents)}.\n"
    )


def decoder(rounds: int) -> str:
    import copy

    import torch
    from diffusers import AutoencoderKL

    torch.set_num_threads(THREADS)
    network = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    ).eval()
    z = torch.randn(1, 4, 32, 32)
    contest = Contest("decoder", "images", "decoder-256")
    contest.peer("diffusers, NCHW", 1, lambda: network.decode(z))
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    z_last = z.contiguous(memory_format=torch.channels_last)
    contest.peer("diffusers, NHWC", 1, lambda: last.decode(z_last))
    contest.run(rounds)
    return (
        "## Stable Diffusion's decoder, 32 × 32 latent to 256 × 256\n\n"
        "diffusers decodes one image on two threads. dis-eval decodes two images at a time, each on one thread.\n\n"
        f"{contest.table()}"
    )


# MARK: Fréchet distance


def frechet(rounds: int) -> str:
    import numpy as np
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    random = np.random.default_rng(0)
    sides = []
    for _ in range(2):
        rows = random.uniform(-1, 1, (4096, 2048)) * np.logspace(0, -3, 2048)
        sides += [rows.mean(0), np.cov(rows, rowvar=False)]
    contest = Contest("Fréchet distance", "distances", "frechet-2048")
    contest.peer("pytorch-fid (scipy's sqrtm)", 1, lambda: calculate_frechet_distance(*sides))
    first, second = ({"mu": sides[i], "sigma": sides[i + 1]} for i in (0, 2))
    contest.peer("torch-fidelity (eigenvalues)", 1, lambda: fid_statistics_to_metric(first, second, False))
    contest.run(rounds)
    seconds = median(1 / dis_eval_bench("intervals-2048")["per_second"] for _ in range(min(rounds, 3)))
    say(f"interval: {seconds:.1f} s")
    return (
        f"## Fréchet distance of two Gaussians of 2,048 dimensions\n\n{contest.table()}\n"
        "The interval of such a distance for 50,000 images, which is 22 more distances and the influence of each image,\n"
        f"takes {seconds:.1f} s.\n"
    )


# MARK: A whole evaluation


def pictures(count: int, side: int = 256, kind: str = "png") -> Path:
    """A folder of image files."""
    import numpy as np

    from images import picture

    name = f"{kind}-{count}" if side == 256 else f"{kind}-{side}-{count}"
    folder, options = WORK / name, {"compress_level": 1} if kind == "png" else {"quality": 95}
    if not (WORK / f"{name}.done").exists():
        say(f"Making {count} images of {side} x {side}, {kind}")
        folder.mkdir(exist_ok=True)
        for index in range(count):
            picture(np.random.default_rng([7, index]), side, side, False).save(folder / f"{index:05d}.{kind}", **options)
        (WORK / f"{name}.done").touch()
    return folder


def network_files():
    if not (WORK / "weights" / "sha256").exists():
        run([sys.executable, "-W", "ignore", ROOT / "scripts" / "conformance.d" / "weights.py", WORK])


def reference() -> Path:
    """Statistics that stand in for those of other images."""
    path = WORK / "reference.npz"
    if not path.exists():
        import numpy as np

        random = np.random.default_rng(5)
        rows = random.gamma(1.0, 0.4, (6000, 2048))
        np.savez(path, mu=rows.mean(0), sigma=np.cov(rows, rowvar=False))
    return path


# Linux counts the memory of the process that starts another one as that one's too, so that a small one has to.
MEASURE = """import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)"""


def timed(command) -> tuple[float, float, str]:
    """Wall seconds, peak memory in MiB, and what a process printed."""
    start = time.monotonic()
    done = run([sys.executable, "-I", "-S", "-c", MEASURE, *command])
    return time.monotonic() - start, int(done.stderr.split()[-1]) / 1024, done.stdout


def folder(images: int) -> str:
    network_files()
    stats, rows, text = reference(), [], ""
    fewer = min(images, 500)
    jobs = [
        (images, ["dis-eval", "pytorch-fid", "dis-eval"]),
        (fewer, ["dis-eval", "torch-fidelity", "clean-fid", "dis-eval"]),
    ]
    for count, tools in jobs:
        found = {}
        path = pictures(count)
        for tool in tools:
            if tool == "dis-eval":
                command = [BINARY, "fid", "--images", path, "--ref", stats, "--threads", THREADS, "--json", "--quiet"]
                command += ["--weights", WORK / "weights" / "inception.pth"]
            else:
                command = [sys.executable, "-W", "ignore", Path(__file__).with_name("whole.py"), tool, path, stats, WORK]
            seconds, memory, output = timed(command)
            values = json.loads(output)
            # dis-eval calls it fd, because the statistics do not say which network computed them.
            fid = values["metrics"]["fd"]["value"] if tool == "dis-eval" else values["fid"]
            say(f"{count} images, {tool}: {seconds:.1f} s, {memory:.0f} MiB, fid {fid:.6f}")
            found.setdefault(tool, []).append((seconds, memory, fid))
        ours = median(seconds for seconds, _, _ in found["dis-eval"])
        for tool, runs in found.items():
            seconds = median(seconds for seconds, _, _ in runs)
            ratio = "" if tool == "dis-eval" else f"**{seconds / ours:.2f} ×**"
            rows.append(
                f"| {count} | {tool} | {seconds:.1f} s | {runs[0][1]:.0f} MiB | {runs[0][2]:.5f} | {ratio} |"
            )
    return (
        "## A whole evaluation: a folder of 256 × 256 PNG files against statistics\n\n"
        "Wall time of the process from start to end, with the defaults of each tool. torch-fidelity and\n"
        "clean-fid have no command that reads the statistics of another tool, so the benchmark calls the\n"
        "functions that their own commands call. Both resize differently, so their numbers differ by design.\n\n"
        "| images | tool | wall time | peak memory | fid | ratio |\n|---|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


# MARK: The rest of an evaluation


def rest(rounds: int) -> str:
    """What else takes time: decoding, neighbours, and the start of a process."""
    return "## The rest of an evaluation\n\n" + "\n".join([decoding(rounds), neighbours(), starts()])


def decoding(rounds: int) -> str:
    network_files()
    out, rows = WORK / "decoding.npz", []

    def seconds(path: Path) -> float:
        found = []
        for _ in range(rounds):
            for file in (out, out.with_suffix(".json")):
                file.unlink(missing_ok=True)
            command = [BINARY, "stats", "make", "--images", path, "--out", out, "--threads", THREADS, "--quiet"]
            found.append(timed([*command, "--weights", WORK / "weights" / "inception.pth"])[0])
        return median(found)

    few = seconds(pictures(64))
    for side, count in ((64, 1000), (256, 1000), (1024, 300)):
        for kind in ("png", "jpg"):
            alone = median(dis_eval_bench("inception")["per_second"] for _ in range(rounds))
            rate = (count - 64) / (seconds(pictures(count, side, kind)) - few)
            rows.append(f"| {side} × {side} {kind} | {number(rate)} | {number(alone)} | {1 - rate / alone:.0%} |")
            say(f"decoding, {rows[-1]}")
    return (
        "Images per second of `stats make` beside those of Inception alone, and the share of the time that the files, their\n"
        "decoding, resizing, hashing and the moments take. The start of the process is subtracted.\n\n"
        "| files | `stats make` | Inception alone | share of the rest |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def neighbours() -> str:
    import numpy as np

    paths = {}
    for name, count, seed in (("generated", 50_000, 1), ("reference", 10_000, 2)):
        paths[name] = WORK / f"rows-{count}.npz"
        if not paths[name].exists():
            rows = np.random.default_rng(seed).standard_normal((count, 2048), np.float32)
            np.savez(paths[name], features=np.abs(rows) * np.logspace(0, -2, 2048, dtype=np.float32))
    command = [BINARY, "evaluate", paths["generated"], paths["reference"], "--metrics", "precision,recall", "--json", "--quiet"]
    seconds, memory, _ = timed(command)
    say(f"neighbours: {seconds:.1f} s, {memory:.0f} MiB")
    return (
        "Precision and recall of 50,000 against 10,000 rows of 2,048 features, with intervals, take "
        f"{seconds:.0f} s and\n{memory:.0f} MiB.\n"
    )


def starts() -> str:
    out = WORK / "starts"
    out.mkdir(exist_ok=True)
    checkpoint, ledger = ROOT / "scripts/train_demo/fashion-dis.safetensors", ROOT / "scripts/study/ledger.jsonl"
    commands = {
        "`--version`": ["--version"],
        "`sample`, one image of the demo's model in two steps": ["sample", "--ckpt", checkpoint, "--num", 1, "--steps", 2, "--out", out / "a.npz"],
        "`plot` of the study, `.csv`": ["plot", ledger, "--allow-mixed", "--out", out / "a.csv"],
        "`plot` of the study, `.svg` by gnuplot": ["plot", ledger, "--allow-mixed", "--out", out / "a.svg"],
        "`report` of the study": ["report", ledger, "--out", out / "a.html"],
    }  # fmt: skip
    rows = []
    for name, words in commands.items():
        found = [timed([BINARY, *words])[0] for _ in range(5)]
        rows.append(f"| {name} | {median(found):.2f} s |")
        say(f"start, {rows[-1]}")
    return "| from start to end | |\n|---|---|\n" + "\n".join(rows) + "\n"


# MARK: More cores


def cores(rounds: int) -> str:
    """What two threads and two processes gain over one."""
    rows = []
    for case in ("inception", "dis-s2", "dit-s2", "decoder-256"):
        rates = {1: [], 2: []}
        for _ in range(rounds):
            for threads, found in rates.items():
                found.append(dis_eval_bench(case, threads)["per_second"])
        one, two = (median(found) for found in rates.values())
        rows.append(f"| {case} | {number(one)} | {number(two)} | {two / one:.2f} |")
        say(f"cores, {rows[-1]}")
    return (
        "## More cores\n\n"
        "| per second, median | one thread | two threads | gain |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        + processes(rounds)
    )


def processes(rounds: int) -> str:
    import shutil

    checkpoint, stats = ROOT / "scripts/train_demo/fashion-dis.safetensors", ROOT / "reference_stats/fashion-mnist-train.npz"
    found = {1: [], 2: []}
    for _ in range(rounds):
        for count, seconds in found.items():
            shutil.rmtree(WORK / "run", ignore_errors=True)
            command = [BINARY, "fid", "--ckpt", checkpoint, "--ref", stats, "--num", 1000, "--steps", 10, "--quiet"]
            command += ["--run", WORK / "run", "--unit", 20, "--threads", THREADS // count, "--no-intervals"]
            start = time.monotonic()
            running = [subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL) for _ in range(count)]
            if any(process.wait() for process in running):
                sys.exit("a process of a run failed")
            seconds.append(time.monotonic() - start)
    one, two = (median(seconds) for seconds in found.values())
    say(f"processes: {one:.1f} s, {two:.1f} s")
    return (
        f"A run of 1,000 samples in 50 units takes {one:.1f} s in one process with two threads, and {two:.1f} s in two processes\n"
        "with one thread each, which divide the units by locks.\n"
    )


# MARK: Agreement


def agreement(images: int) -> str:
    """Compares features of the same images, and samples of the same noise, with the originals in float64."""
    import numpy as np
    import torch
    from PIL import Image
    from pytorch_fid.inception import InceptionV3

    import given_noise
    from safetensors.numpy import save_file
    from synthetic import MODELS
    from weights import local_weights, state

    torch.set_grad_enabled(False)
    torch.set_num_threads(THREADS)
    network_files()
    path = pictures(64)
    with local_weights(state()):
        network = InceptionV3([3]).eval()
    pixels = np.stack([np.asarray(Image.open(file)) for file in sorted(path.iterdir())])
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    single = network(x)[0].flatten(1).numpy()
    exact = np.concatenate([network.double()(part.double())[0].flatten(1).numpy() for part in x.split(8)])
    out = WORK / "features.npz"
    out.unlink(missing_ok=True)
    command = [BINARY, "stats", "make", "--images", path, "--keep-features", 64, "--out", out, "--quiet"]
    rows = []
    kinds = {"PyTorch float32": single}
    for precision in ("float32", "bf16"):
        out.unlink(missing_ok=True)
        extra = [] if precision == "float32" else ["--precision", precision]
        run([*command, "--weights", WORK / "weights" / "inception.pth", *extra])
        kinds[f"dis-eval {precision}"] = np.load(out)["features"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        kinds["PyTorch autocast bf16"] = network.float()(x)[0].flatten(1).float().numpy()
    largest, scale = np.abs(exact).max(), np.sqrt((exact**2).mean())
    for name, found in kinds.items():
        difference = found.astype(np.float64) - exact
        rows.append(f"| {name} | {np.abs(difference).max() / largest:.1e} | {np.sqrt((difference**2).mean()) / scale:.1e} |")
        say(f"features, {rows[-1]}")

    weights = MODELS["s2_px32"].state()
    checkpoint = WORK / "dis-s2.safetensors"
    save_file({key: np.ascontiguousarray(array) for key, array in weights.items()}, str(checkpoint))
    random = np.random.default_rng(3)
    z = random.standard_normal((2, 3, 32, 32)).astype(np.float32)
    noise = np.zeros((10, *z.shape), np.float32)
    np.save(WORK / "z.npy", z)
    raw = WORK / "samples.npy"
    raw.unlink(missing_ok=True)
    run(
        [BINARY, "sample", "--ckpt", checkpoint, "--noise", WORK / "z.npy", "--sampler", "ddim", "--respacing", "ddim10"]
        + ["--num", 2, "--raw-out", raw, "--quiet"]
    )
    tensors = {key: torch.from_numpy(np.array(array)) for key, array in weights.items()}
    samples = {
        kind: given_noise.run(tensors, z, noise, "ddim10", sampler="ddim", dtype=kind)[0]
        for kind in ("float32", "float64")
    }
    exact = samples["float64"]
    samples = {"PyTorch float32": samples["float32"], "dis-eval": np.load(raw)}
    for name, found in samples.items():
        rows.append(f"| DDIM, 10 steps: {name} | {np.abs(found - exact).max() / np.abs(exact).max():.1e} | |")
        say(f"samples, {rows[-1]}")
    return (
        "## Agreement\n\n"
        "Inception features of 64 images, and samples of DiS-S/2 from the same noise, are compared with the\n"
        "original code in float64. The networks have random weights, which amplify rounding more than trained\n"
        "weights do.\n\n"
        "| | largest difference / largest value | rms difference / rms value |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


# MARK: The page


def processor() -> str:
    fields = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, value in fields.items()}.get("model name", platform.machine())


PARTS = {
    "inception": lambda rounds, images: inception(rounds),
    "bf16": lambda rounds, images: bf16(rounds),
    "dis": lambda rounds, images: dis(rounds),
    "decoder": lambda rounds, images: decoder(rounds),
    "frechet": lambda rounds, images: frechet(rounds),
    "transformers": lambda rounds, images: transformers(rounds),
    "avx2": lambda rounds, images: avx2(rounds),
    "vision": lambda rounds, images: vision(rounds),
    "extractors": lambda rounds, images: extractors(2 * images),
    "growth": lambda rounds, images: growth(rounds),
    "folder": lambda rounds, images: folder(images),
    "rest": lambda rounds, images: rest(rounds),
    "cores": lambda rounds, images: cores(rounds),
    "agreement": lambda rounds, images: agreement(images),
}
PACKAGES = "torch onnxruntime openvino pytorch-fid torch-fidelity clean-fid diffusers scipy numpy".split()


def header(rounds: int) -> str:
    kernels = json.loads(run([BINARY, "bench", "--only", "sgemm", "--seconds", "0.2", "--json", "--quiet"]).stdout)["kernels"]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        "# Benchmarks\n\n"
        "Generated by `scripts/bench`. All tools do the same work on two threads and take turns in one run of\n"
        f"{rounds} rounds. A ratio compares medians; above 1, dis-eval is faster. "
        "Absolute times are from one machine\non one day.\n\n"
        f"- Processor: {processor()}, {os.cpu_count()} cores; kernels: {kernels}\n"
        f"- {run([BINARY, '--version']).stdout.splitlines()[0]}; Python {platform.python_version()}, {versions}\n"
        "- The other networks have random weights, because speed does not depend on the values.\n"
    )


def main():
    global WORK, BINARY
    WORK, BINARY, page = Path(sys.argv[1]), Path(sys.argv[2]).resolve(), Path(sys.argv[3])
    rounds, images = int(sys.argv[4]), int(sys.argv[5])
    parts = sys.argv[6:] or list(PARTS)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"unknown part {unknown[0]}; there are {', '.join(PARTS)}")
    # Parts that are not measured now keep the results of earlier runs.
    kept = WORK / "parts"
    kept.mkdir(exist_ok=True)
    for part in parts:
        # In a separate process, because libraries keep threads and memory.
        child = os.fork()
        if child == 0:
            import torch

            torch.set_num_threads(THREADS)
            torch.set_grad_enabled(False)
            (kept / f"{part}.md").write_text(PARTS[part](rounds, images))
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            sys.exit(f"{part} failed")
    sections = [(kept / f"{part}.md").read_text() for part in PARTS if (kept / f"{part}.md").exists()]
    page.parent.mkdir(exist_ok=True)
    page.write_text("\n".join([header(rounds), *sections]))
    say(f"{page}")


if __name__ == "__main__":
    main()
