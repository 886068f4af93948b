"""A generator that samples a pipeline of diffusers: unconditional as DDPMPipeline, or with classes as DiTPipeline.

    dis-eval fid --generator 'python3 torch_diffusers.py PIPELINE' --steps 50 --ref cifar10-train --num 50000

The noise of each sample comes from a torch.Generator that begins with the key of the sample, so that a sample does
not depend on the others. The number of steps and the guidance can be given here or as options of dis-eval.
"""

import argparse
import inspect
import pathlib
import sys

import numpy as np
import torch
from diffusers import DiffusionPipeline

from dis_eval_generator import serve

# Settings of dis-eval, and the arguments of pipelines that they are.
SETTINGS = {"steps": "num_inference_steps", "cfg_scale": "guidance_scale"}


def arguments():
    parser = argparse.ArgumentParser(description="Samples a pipeline of diffusers for dis-eval.")
    parser.add_argument("pipeline", help="a folder that save_pretrained wrote, or a name")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, help="default: that of the pipeline")
    parser.add_argument("--cfg-scale", type=float, help="for a pipeline with classes; default: its own")
    parser.add_argument("--batch", type=int, default=64)
    return parser.parse_args()


class PipelineGenerator:
    """A pipeline, once it is loaded."""

    def __init__(self, options):
        self.options = options

    def configure(self, hello):
        """Loads the pipeline, and returns what the generator says about it."""
        options = self.options
        device = options.device
        if device == "cuda":  # A different GPU for each process.
            device = f"cuda:{hello['process'] % torch.cuda.device_count()}"
        try:
            self.pipeline = DiffusionPipeline.from_pretrained(options.pipeline).to(device)
        except (OSError, ValueError) as error:
            sys.exit(f"{options.pipeline}: {error}")
        self.pipeline.set_progress_bar_config(disable=True)
        kind, known = type(self.pipeline).__name__, inspect.signature(self.pipeline.__call__).parameters
        self.has_classes = "class_labels" in known
        if not self.has_classes and "batch_size" not in known:
            sys.exit(f"{kind} takes neither class_labels nor batch_size; expected a pipeline such as DDPMPipeline")

        settings, self.arguments = {"pipeline": kind, "scheduler": type(self.pipeline.scheduler).__name__}, {}
        for name, argument in SETTINGS.items():
            own, asked = getattr(options, name), hello["settings"].get(name)
            if own is not None and argument not in known:
                sys.exit(f"{kind} has no {argument}; leave out --{name.replace('_', '-')}")
            if argument in known:
                # An option wins here; dis-eval is told so, and refuses it if it asked for something else.
                value = own if own is not None else asked if asked is not None else known[argument].default
                settings[name] = self.arguments[argument] = value

        # One sample tells the extents.
        image = self.sample([0], np.zeros(1, np.int64), np.zeros(1, np.uint64)).shape[1:]
        network = self.pipeline.transformer if self.has_classes else self.pipeline.unet
        part = pathlib.Path(options.pipeline, "transformer" if self.has_classes else "unet")
        return {
            "image": image,
            "classes": network.config.num_embeds_ada_norm if self.has_classes else None,
            "weights": next(iter(sorted(part.glob("*.safetensors"))), None),
            "settings": settings,
        }

    @torch.inference_mode()
    def sample(self, indices, labels, keys):
        """Returns uint8 [N, H, W, C]."""
        generators = [torch.Generator().manual_seed(int(key)) for key in keys]
        subject = {"class_labels": labels.tolist()} if self.has_classes else {"batch_size": len(keys)}
        result = self.pipeline(generator=generators, output_type="np", **subject, **self.arguments)
        return (255 * np.asarray(result.images)).round().astype(np.uint8)


def main():
    options = arguments()
    generator = PipelineGenerator(options)
    serve(
        generator.sample, name="torch_diffusers", differs="last_bits", batch=options.batch, device=options.device,
        configure=generator.configure,
    )  # fmt: skip


if __name__ == "__main__":
    main()
