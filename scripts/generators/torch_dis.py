"""A generator that samples a DiS checkpoint with PyTorch, on a GPU or any other device of PyTorch.

    dis-eval fid --generator 'python3 torch_dis.py model.pt --cfg-scale 1.5' --ref cifar10-train --num 50000

The samplers, their settings and the random numbers are those of dis-eval, so that the samples are those of
`dis-eval fid --ckpt model.pt` up to rounding. Settings can be given here or as options of dis-eval.
"""

import argparse
import sys

import torch

from dis_eval_generator import serve
from dis_torch import sampling, streams
from dis_torch.backbones import load_backbone
from dis_torch.checkpoint import load_weights

DEFAULTS = {
    "sampler": "ddpm", "prediction": "epsilon", "eta": 0.0, "cfg_scale": 1.0, "cfg_interval": [0, 999],
    "cfg_channels": "all", "clip": False, "quantizer": "dit",
}  # fmt: skip
DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def interval(text):
    low, high = (int(part) for part in text.split(","))
    return [low, high]


def arguments(command=None):
    parser = argparse.ArgumentParser(description="Samples a DiS checkpoint for dis-eval with PyTorch.")
    add = parser.add_argument
    add("checkpoint", help="a .pt or .safetensors file")
    add("--checkpoint-key", metavar="K", help="the state dict in the file, as for dis-eval")
    add("--device", help="cpu, cuda, cuda:1 or mps; default: cuda or mps if there is one. With several processes, "
        "cuda means a different GPU for each")  # fmt: skip
    add("--dtype", choices=DTYPES, default="float32", help="the number format of the large matrix products")
    add("--compile", action="store_true", help="compile the network with torch.compile")
    add("--batch", type=int, metavar="N", help="the samples to make at once; default: 256 on a GPU, otherwise 64")
    add("--sampler", choices=sampling.SAMPLERS)
    add("--steps", type=int, metavar="N")
    add("--respacing", metavar="R", help="such as 250, ddim50 or dpm20")
    add("--prediction", choices=("epsilon", "x0", "v"))
    add("--eta", type=float)
    add("--cfg-scale", type=float)
    add("--cfg-interval", type=interval, metavar="LOW,HIGH")
    add("--cfg-channels", choices=("all", "first3"))
    add("--clip", action=argparse.BooleanOptionalAction)
    add("--quantizer", choices=("dit", "adm"))
    add("--decoder", metavar="NAME", help="a folder or name of diffusers' AutoencoderKL that decodes latents")
    add("--latent-scale", type=float, default=0.18215)
    return parser.parse_args(command)


# MARK: Settings


def settings_in_force(options, asked):
    """Returns the settings of the command, of dis-eval and by default, which must not contradict each other."""
    names = [*DEFAULTS, "steps", "respacing"]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    for name, value in given.items():
        if name in asked and asked[name] != value:
            option = "--" + name.replace("_", "-")
            raise ValueError(f"{option} is {value!r}, but dis-eval asks for {asked[name]!r}; leave one of them out")
    result = {**DEFAULTS, **given, **{name: asked[name] for name in names if name in asked}}
    check_settings(result)
    if "steps" in result:
        notation = sampling.respacing(result["sampler"], result["steps"])
        if result.setdefault("respacing", notation) != notation:
            raise ValueError(
                f"{result['steps']} steps of {result['sampler']} are the respacing '{notation}', but the respacing is "
                f"'{result['respacing']}'; leave one of them out"
            )
    result.setdefault("respacing", "250")
    timesteps = sampling.spaced_timesteps(result["respacing"])
    result.setdefault("steps", len(timesteps))
    if result["sampler"] == "ddpm" and len(timesteps) == 1:
        raise ValueError("ddpm needs at least 2 steps, because the variance of the last is that of the one before")
    low, high = result["cfg_interval"]
    if result["cfg_scale"] != 1 and not any(low <= timestep <= high for timestep in timesteps):
        raise ValueError(f"no timestep of respacing '{result['respacing']}' is in the guidance interval {low},{high}")
    return result


def check_settings(settings):
    """Checks the settings one by one."""

    def check(name, is_valid, expected):
        try:
            fits = name not in settings or is_valid(settings[name])
        except TypeError:
            fits = False
        if not fits:
            raise ValueError(f"{name} is {settings[name]!r}, expected {expected}")

    for name, values in (
        ("sampler", sampling.SAMPLERS), ("prediction", ("epsilon", "x0", "v")),
        ("cfg_channels", ("all", "first3")), ("quantizer", ("dit", "adm")),
    ):  # fmt: skip
        check(name, lambda value, values=values: value in values, " or ".join(values))
    check("steps", lambda steps: isinstance(steps, int) and 1 <= steps <= 1000, "1 to 1000")
    check("respacing", lambda text: isinstance(text, str), "a text such as 250")
    check("eta", lambda eta: 0 <= eta <= 1, "0 to 1")
    check("cfg_scale", lambda scale: 0 <= scale < float("inf"), "a number of at least 0")
    check("cfg_interval", lambda ends: len(ends) == 2 and 0 <= ends[0] <= ends[1] <= 999, "[low, high] from 0 to 999")
    check("clip", lambda clip: isinstance(clip, bool), "true or false")


# MARK: Sampling


def chosen_device(name, process):
    """Returns the device of a process. Several processes share the GPUs out in turn."""
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"--device {name}: PyTorch {torch.__version__} finds no CUDA device; use --device cpu")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ValueError(f"--device mps: PyTorch {torch.__version__} finds no Apple GPU; use --device cpu")
    device = torch.device(f"cuda:{process % torch.cuda.device_count()}" if name == "cuda" else name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


class TorchGenerator:
    """A checkpoint that is ready to be sampled."""

    def __init__(self, options, hello):
        self.seed, self.settings = hello["seed"], settings_in_force(options, hello.get("settings", {}))
        self.device = chosen_device(options.device, hello.get("process", 0))
        if options.dtype == "tf32" and self.device.type != "cuda":
            raise ValueError(f"--dtype tf32 is a number format of CUDA devices; the device is {self.device}")
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.dtype == "tf32"
        self.backbone, network = load_backbone(load_weights(options.checkpoint, options.checkpoint_key))
        network.set_precision(DTYPES[options.dtype])
        self.network = network.to(self.device)
        self.shape, self.classes = [network.channels, network.side, network.side], network.classes
        if options.compile:
            network.compile_parts()

        settings = self.settings
        if self.classes is None and settings["cfg_scale"] != 1:
            raise ValueError(f"cfg_scale is {settings['cfg_scale']}, but the checkpoint has no classes")
        self.guidance = sampling.Guidance(settings["cfg_scale"], settings["cfg_channels"], settings["cfg_interval"])
        schedule = sampling.Schedule(sampling.spaced_timesteps(settings["respacing"]))
        self.sampler = sampling.Sampler(
            settings["sampler"], schedule, settings["prediction"], settings["eta"], settings["clip"]
        )
        self.decoder = options.decoder and self.loaded_decoder(options.decoder)
        self.latent_scale = options.latent_scale

    def loaded_decoder(self, name):
        from diffusers import AutoencoderKL

        decoder = AutoencoderKL.from_pretrained(name).eval().requires_grad_(False)
        if decoder.config.latent_channels != self.shape[0]:
            channels = decoder.config.latent_channels
            raise ValueError(f"--decoder {name}: decodes {channels} channels, but the checkpoint makes {self.shape[0]}")
        return decoder.to(self.device)

    def ready(self, options):
        """Returns what the generator says about itself."""
        channels, side, _ = self.shape
        extra = {"backbone": self.backbone, "dtype": options.dtype}
        ready = {"image": [side, side, channels]}
        if self.decoder:
            side *= 2 ** (len(self.decoder.config.block_out_channels) - 1)
            ready = {"image": [side, side, self.decoder.config.out_channels]}
            extra.update(decoder=options.decoder, latent_scale=options.latent_scale)
        elif channels not in (1, 3):
            ready = {"latent": self.shape}
        self.makes_images = "image" in ready
        # The number of the GPU is left out, because it is a different one in every process.
        is_cuda = self.device.type == "cuda"
        return {
            **ready,
            "classes": self.classes,
            # The version changes last bits alone, so that it must not be a setting, which must stay the same.
            "device": f"{torch.cuda.get_device_name(self.device) if is_cuda else self.device.type}, "
            f"PyTorch {torch.__version__}",
            "batch": options.batch or (64 if self.device.type == "cpu" else 256),
            "network_evaluations": sum(len(self.guidance.predictions(t)) for t in self.sampler.evaluated_timesteps()),
            "settings": {**self.settings, **extra},
        }

    @torch.inference_mode()
    def sample(self, indices, labels):
        """Returns bytes [N, H, W, C], or latents float32 [N, C, H, W]."""

        def noise(step):
            return streams.normals(self.seed, indices, self.shape, step, self.device)

        labels = None if labels is None else torch.from_numpy(labels).to(self.device)
        x = self.sampler.sample(
            noise(None), noise, lambda x, timestep: self.guidance.predict(self.network, x, timestep, labels)
        )
        if self.decoder:
            x = self.decoder.decode(x / self.latent_scale).sample
        finite = x.isfinite().flatten(1).all(1).cpu().numpy()
        if not finite.all():
            sys.exit(
                f"sample {indices[~finite][0]} has values that are not finite; the checkpoint, the settings or --dtype "
                "are at fault"
            )
        return (sampling.quantized(x, self.settings["quantizer"]) if self.makes_images else x.float()).cpu().numpy()


def main():
    options, generator = arguments(), None

    def configure(hello):
        nonlocal generator
        try:
            generator = TorchGenerator(options, hello)
        except (ValueError, OSError) as error:
            sys.exit(str(error))
        return generator.ready(options)

    serve(
        lambda indices, labels, keys: generator.sample(indices, labels), name="torch_dis", weights=options.checkpoint,
        differs="last_bits", stream="dis-eval-1", configure=configure,
    )  # fmt: skip


if __name__ == "__main__":
    main()
