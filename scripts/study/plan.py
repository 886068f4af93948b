"""Reads the plan of the study."""

import dataclasses
import itertools
import pathlib

import yaml

HERE = pathlib.Path(__file__).parent
CONDITIONINGS = {
    "label-token": {},
    "label-in-time": {"label_token": False},
    "none": {"classes": None},
}


@dataclasses.dataclass(frozen=True)
class Model:
    """A network of the plan that is trained with one seed."""

    recipe: str
    seed: int
    family: str
    width: int
    depth: int
    patch: int = 4
    heads: int | None = None
    skips: bool = True
    conditioning: str = "label-token"
    several: bool = False  # whether the recipe is trained with several seeds

    @property
    def name(self):
        return f"{self.recipe}-seed{self.seed}"

    @property
    def shape(self):
        """The arguments of the network's class."""
        shape = dict(patch_size=self.patch, dim=self.width, depth=self.depth)
        if self.family == "uvit":
            return shape | dict(heads=self.heads)
        return shape | dict(skips=self.skips) | CONDITIONINGS[self.conditioning]

    @property
    def options(self):
        """What dis-eval has to be told, because no tensor says it."""
        return ["--null-class", "10", "--heads", str(self.heads)] if self.family == "uvit" else []


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A checkpoint, and how it is sampled."""

    model: Model
    images: int
    num: int
    sampler: str
    steps: int
    guidance: float
    seed: int

    @property
    def settings(self):
        """The options of dis-eval sweep, without those of the model."""
        return [
            *("--num", str(self.num), "--sampler", self.sampler, "--respacing", str(self.steps)),
            *("--cfg-scale", f"{self.guidance:g}", "--seed", str(self.seed)),
        ]


class Plan:
    def __init__(self, path=HERE / "plan.yml"):
        document = yaml.safe_load(path.read_text())
        self.training = document["training"]
        self.models = []
        for recipe, entry in document["models"].items():
            entry = dict(entry)
            seeds = entry.pop("seeds", [0])
            self.models += [Model(recipe, seed, **entry, several=len(seeds) > 1) for seed in seeds]
        self.groups = {name: self.expanded(e, document["defaults"]) for name, e in document["evaluations"].items()}

    def expanded(self, entry, defaults):
        """The evaluations of an entry of the plan."""
        chosen = [m for m in self.models if entry["models"] == "all" or m.recipe in entry["models"]]
        chosen = [m for m in chosen if m.seed in entry.get("seeds", [m.seed])]
        checkpoints = entry.get("checkpoints", self.training["checkpoints"][-1:])
        values = {key: entry.get(key, [value]) for key, value in defaults.items()}
        return [
            Evaluation(model, images, **dict(zip(values, combination, strict=True)))
            for combination in itertools.product(*values.values())
            for images in checkpoints
            for model in chosen
            if model.conditioning != "none" or dict(zip(values, combination, strict=True))["guidance"] == 1
        ]

    @property
    def evaluations(self):
        """All evaluations, each once, in the order of the plan."""
        return list(dict.fromkeys(e for group in self.groups.values() for e in group))

    def checkpoint(self, work, model, images):
        """The file of a checkpoint, named as the original training names its checkpoints: by the step."""
        return work / model.name / f"{images // self.training['batch']:07d}.safetensors"
