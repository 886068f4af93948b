"""Reads the plan of the study."""

import dataclasses
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


class Plan:
    def __init__(self, path=HERE / "plan.yml"):
        document = yaml.safe_load(path.read_text())
        self.training = document["training"]
        self.evaluations = document.get("evaluations", {})
        self.models = []
        for recipe, entry in document["models"].items():
            entry = dict(entry)
            for seed in entry.pop("seeds", [0]):
                self.models.append(Model(recipe, seed, **entry))

    def checkpoint(self, work, model, images):
        """The file of a checkpoint, named as the original training names its checkpoints: by the step."""
        return work / model.name / f"{images // self.training['batch']:07d}.safetensors"
