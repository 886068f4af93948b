"""Samples the demonstration DiS, draws a grid (a row per class) and scores: class agreement and Frechet distance."""

import argparse
import json
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

import dis_model
import extractor
import fashion
import samplers

HERE = pathlib.Path(__file__).parent


def load_model(path):
    """A DiS with the weights of a safetensors file, for inference in bfloat16 matrix products."""
    model = dis_model.DiS()
    model.load_state_dict(load_file(path))
    model.precision = dis_model.Precision(torch.bfloat16)
    return model.eval().requires_grad_(False)


def forward_flops(model):
    """Floating-point operations of one forward pass of one image; multiply and add count as two."""
    tokens, d, blocks, skips = model.pos_embed.shape[1], model.dim, len(model.blocks()), len(model.out_blocks)
    inner, rank, pixels = 2 * d, -(-d // 16), model.patch_size**2 * model.channels
    mixer = 2 * tokens * (4 * d * d + 2 * inner * (rank + 32) + 2 * rank * inner + inner * d)
    scan = 2 * tokens * inner * (7 * 16 + 11)
    conv = 2 * 2 * tokens * inner * 4
    ends = 2 * (tokens - 2) * pixels * d + 2 * 8 * d * d + 2 * tokens * d * 2 * pixels + 2 * 2 * d * d
    return blocks * (mixer + scan + conv) + skips * 2 * tokens * 2 * d * d + ends


def to_bytes(x):
    """Floats in [-1, 1] -> bytes, rounding to nearest."""
    return (127.5 * x + 128).clamp(0, 255).byte()


def generate(model, sampler, timesteps, scale, labels, batch=250):
    """Bytes [N, 28, 28], one image per label."""
    network = samplers.guided(model, scale)
    parts = [
        samplers.SAMPLERS[sampler](network, torch.randn(len(y), 1, 28, 28), y, timesteps) for y in labels.split(batch)
    ]
    return to_bytes(torch.cat(parts)).squeeze(1)


def features(model, images):
    return torch.cat([model.features(fashion.to_float(x)) for x in images.split(1000)])


def statistics(values):
    values = values.double().numpy()
    return values.mean(0), np.cov(values, rowvar=False)


def frechet_distance(first, second):
    """The distance between two Gaussians, each given by a mean and a covariance."""
    (mean1, cov1), (mean2, cov2) = first, second
    values, vectors = np.linalg.eigh(cov1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov2 @ root), 0)).sum()
    return float(((mean1 - mean2) ** 2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * cross)


def draw_grid(images, path, columns=10, zoom=3):
    """Images in reading order, `columns` in a row, with a margin of two pixels."""
    tiles = np.pad(images.numpy(), ((0, 0), (1, 1), (1, 1)), constant_values=128)
    rows = tiles.reshape(-1, columns, 30, 30).transpose(0, 2, 1, 3).reshape(-1, columns * 30)
    Image.fromarray(rows.repeat(zoom, 0).repeat(zoom, 1)).save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, default=HERE / "fashion-dis.safetensors")
    parser.add_argument(
        "--extractor",
        type=pathlib.Path,
        default=HERE.parents[1] / "reference_stats" / "fashion-mnist-extractor.safetensors",
    )
    parser.add_argument("--data", default=fashion.FOLDER)
    parser.add_argument("--sampler", choices=samplers.SAMPLERS, default="dpm")
    parser.add_argument("--spacing", choices=samplers.SPACINGS, default="respaced")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--cfg-scale", type=float, default=2.0)
    parser.add_argument("--count", type=int, default=0, help="images to score; 0: only draw")
    parser.add_argument("--baselines", action="store_true", help="score noise and the test images as well")
    parser.add_argument("--grid", type=pathlib.Path, help="PNG of 10 x 10 samples")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = load_model(args.model)
    timesteps = samplers.SPACINGS[args.spacing](args.steps)
    if args.grid:
        labels = torch.arange(10).repeat_interleave(10)
        draw_grid(generate(model, args.sampler, timesteps, args.cfg_scale, labels), args.grid)
    if not args.count:
        return
    judge = extractor.load(args.extractor)
    train = statistics(features(judge, fashion.load("train", args.data)[0]))
    result = dict(
        sampler=args.sampler, spacing=args.spacing, steps=args.steps, cfg_scale=args.cfg_scale, count=args.count
    )
    result["gflop"] = round(forward_flops(model) * args.steps * (1 if args.cfg_scale == 1 else 2) / 1e9, 3)
    labels = torch.arange(args.count) % 10
    start = time.monotonic()
    images = generate(model, args.sampler, timesteps, args.cfg_scale, labels)
    result["seconds"] = round(time.monotonic() - start, 1)
    values = features(judge, images)
    result["agreement"] = (judge.logits(values).argmax(1) == labels).float().mean().item()
    result["fd"] = frechet_distance(statistics(values), train)
    if args.baselines:
        noise = torch.randint(0, 256, (args.count, 28, 28), dtype=torch.uint8)
        result["fd_noise"] = frechet_distance(statistics(features(judge, noise)), train)
        result["fd_test"] = frechet_distance(statistics(features(judge, fashion.load("t10k", args.data)[0])), train)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
