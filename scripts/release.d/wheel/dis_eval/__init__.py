"""Scores the images of generative models by running the program dis-eval.

    import dis_eval

    result = dis_eval.fid(images="samples/", ref="cifar10-edm")
    print(result["metrics"]["fid"]["value"], result["metrics"]["fid"]["interval"])

Every keyword argument is an option of the command, with underscores for hyphens. Those below have types.
For all others, see `dis-eval fid --help`; the program refuses an option that it does not know.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any, Mapping, Optional, Sequence, Tuple, Union

from ._program import DisEvalError, Path, program, run
from ._result import Result

__all__ = ["DisEvalError", "Result", "evaluate", "fid", "gate", "program", "run"]

Limits = Union[Mapping[str, Union[float, str]], Sequence[str]]


def fid(
    *,
    images: Optional[Path] = None,
    ckpt: Optional[Path] = None,
    generator: Optional[str] = None,
    ref: Optional[Path] = None,
    preset: Optional[str] = None,
    num: Optional[int] = None,
    seed: Optional[int] = None,
    repeats: Optional[int] = None,
    dialect: Optional[str] = None,
    weights: Optional[Path] = None,
    decoder: Optional[Path] = None,
    sampler: Optional[str] = None,
    steps: Optional[int] = None,
    cfg_scale: Optional[float] = None,
    cfg_interval: Optional[Tuple[float, float]] = None,
    labels: Union[str, int, Path, None] = None,
    recursive: Optional[bool] = None,
    skip_broken: bool = False,
    allow_mismatch: bool = False,
    intervals: bool = True,
    run: Optional[Path] = None,
    out: Optional[Path] = None,
    save_images: Optional[Path] = None,
    threads: Optional[int] = None,
    quiet: bool = False,
    **options: Any,
) -> Result:
    """Computes Fréchet distance and Inception Score.

    Give the images, a checkpoint to sample, or the command of a generator, and the reference.

    - images: Images or a statistics file.
    - ckpt: The checkpoint to sample.
    - generator: A program that makes the samples, with its arguments.
    - ref: Images, a statistics file or a name that `dis-eval stats list` shows.
    - num: The number of samples, 50,000 by default, or the required number of images.
    - run: A folder in which the work is kept. The same call continues interrupted work.
    - intervals: Whether the metrics get 95 % intervals.
    - quiet: Whether progress and warnings are not written to `sys.stderr`.

    Raises `DisEvalError`.
    """
    return _score("fid", locals())


def evaluate(
    *,
    images: Optional[Path] = None,
    ckpt: Optional[Path] = None,
    generator: Optional[str] = None,
    ref: Optional[Path] = None,
    metrics: Union[str, Sequence[str], None] = None,
    preset: Optional[str] = None,
    num: Optional[int] = None,
    seed: Optional[int] = None,
    repeats: Optional[int] = None,
    dialect: Optional[str] = None,
    weights: Optional[Path] = None,
    decoder: Optional[Path] = None,
    sampler: Optional[str] = None,
    steps: Optional[int] = None,
    cfg_scale: Optional[float] = None,
    cfg_interval: Optional[Tuple[float, float]] = None,
    labels: Union[str, int, Path, None] = None,
    recursive: Optional[bool] = None,
    skip_broken: bool = False,
    allow_mismatch: bool = False,
    intervals: bool = True,
    run: Optional[Path] = None,
    out: Optional[Path] = None,
    save_images: Optional[Path] = None,
    threads: Optional[int] = None,
    quiet: bool = False,
    **options: Any,
) -> Result:
    """Computes all metrics, or those that `metrics` names. The other arguments are those of `fid`."""
    return _score("evaluate", locals())


def gate(
    result: Union[Mapping[str, Any], Path, None] = None,
    *,
    baseline: Union[Mapping[str, Any], Path, None] = None,
    policy: Optional[Path] = None,
    max: Optional[Limits] = None,
    min: Optional[Limits] = None,
    tolerance: Optional[Limits] = None,
    metrics: Union[str, Sequence[str], None] = None,
    ckpt: Optional[Path] = None,
    generator: Optional[str] = None,
    ref: Optional[Path] = None,
    num: Optional[int] = None,
    audit: Optional[int] = None,
    junit: Optional[Path] = None,
    summary: Optional[Path] = None,
    out: Optional[Path] = None,
    update_baseline: Optional[Path] = None,
    reason: Optional[str] = None,
    accept: bool = False,
    quiet: bool = False,
    **options: Any,
) -> Result:
    """Judges a result or a checkpoint. The `verdict` of what it returns is `pass`, `worse` or `cannot_say`.

    - result: What `fid` or `evaluate` returned, or the file of such a result.
    - baseline: The baseline to compare with, or a result.
    - max, min: Limits by the names of metrics, such as `{"fid": 3.5}`.
    - tolerance: How much worse than the baseline a metric may be, such as `{"fid": "2%"}`.

    Raises `DisEvalError`. A verdict is not an error.
    """
    arguments = dict(locals())
    arguments.update(arguments.pop("options"), accept=accept or None)
    del arguments["result"]
    with tempfile.TemporaryDirectory(prefix="dis-eval-") as folder:
        paths = [] if result is None else [_file(result, os.path.join(folder, "result.json"))]
        if baseline is not None:
            arguments["baseline"] = _file(baseline, os.path.join(folder, "baseline.json"))
        return _run("gate", paths, arguments)


# `run` is also the name of an option.
_command = run


def _score(command: str, arguments: Mapping[str, Any]) -> Result:
    """Runs `fid` or `evaluate`. A flag that is off is left out."""
    options = {**arguments, **arguments["options"]}
    del options["options"]
    for name in ("skip_broken", "allow_mismatch"):
        options[name] = options[name] or None
    options["intervals"] = None if options["intervals"] else False
    return _run(command, [], options)


def _run(command: str, paths: Sequence[Path], options: Mapping[str, Any]) -> Result:
    return _command(command, *paths, **options)


def _file(value: Union[Mapping[str, Any], Path], path: str) -> Path:
    """Returns the path of a document, which is written to `path` if it is in memory."""
    if not isinstance(value, Mapping):
        return value
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)
    return path
