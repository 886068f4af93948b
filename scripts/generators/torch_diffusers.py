"""A generator that samples a pipeline of diffusers: unconditional as DDPMPipeline, or with classes as DiTPipeline.

    dis-eval fid --generator 'python3 torch_diffusers.py PIPELINE --steps 50' --ref cifar10-train --num 50000

The noise of each sample comes from a torch.Generator that begins with the key of the sample, so that a sample does
not depend on the others.
"""

import argparse
import inspect
import os
import sys

import numpy as np
import torch
from diffusers import DiffusionPipeline

from dis_eval_generator import serve


def arguments():
    parser = argparse.ArgumentParser(description="Samples a pipeline of diffusers for dis-eval.")
    parser.add_argument("pipeline", help="a folder that save_pretrained wrote, or a name")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, help="default: that of the pipeline")
    parser.add_argument("--guidance-scale", type=float, help="for a pipeline with classes; default: its own")
    parser.add_argument("--batch", type=int, default=64)
    return parser.parse_args()


def main():
    options = arguments()
    device = options.device
    if device == "cuda":  # A different GPU for each process.
        device = f"cuda:{int(os.environ.get('DIS_EVAL_GENERATOR_INDEX', 0)) % torch.cuda.device_count()}"
    pipeline = DiffusionPipeline.from_pretrained(options.pipeline).to(device)
    pipeline.set_progress_bar_config(disable=True)
    known = inspect.signature(pipeline.__call__).parameters
    has_classes = "class_labels" in known
    if not has_classes and "prompt" in known:
        sys.exit(f"{type(pipeline).__name__} takes prompts; expected a pipeline that takes nothing or class_labels")
    settings = {"pipeline": type(pipeline).__name__, "scheduler": type(pipeline.scheduler).__name__}
    call = {}
    for name, argument in (("steps", "num_inference_steps"), ("guidance_scale", "guidance_scale")):
        value = getattr(options, name)
        if value is None and argument in known:
            value = known[argument].default
        elif value is not None and argument not in known:
            sys.exit(f"--{name.replace('_', '-')}: {type(pipeline).__name__} has no {argument}; leave it out")
        if value is not None:
            settings[name] = call[argument] = value

    @torch.inference_mode()
    def sample(indices, labels, keys):
        """Returns uint8 [N, H, W, C]."""
        generators = [torch.Generator().manual_seed(int(key)) for key in keys]
        subject = {"class_labels": labels.tolist()} if has_classes else {"batch_size": len(keys)}
        images = pipeline(generator=generators, output_type="np", **subject, **call).images
        return (255 * np.asarray(images)).round().astype(np.uint8)

    # One sample tells the extents.
    image = list(sample([0], np.zeros(1, np.int64), np.zeros(1, np.uint64)).shape[1:])
    classes = pipeline.transformer.config.num_embeds_ada_norm if has_classes else None
    serve(
        sample, name="torch_diffusers", image=image, classes=classes, differs="last_bits", batch=options.batch,
        device=options.device, settings=settings,
    )  # fmt: skip


if __name__ == "__main__":
    main()
