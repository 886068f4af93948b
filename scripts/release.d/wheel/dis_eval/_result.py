"""What a command of dis-eval prints."""

from __future__ import annotations

import importlib
from typing import Any, Dict, List, Mapping, Sequence, Tuple


class Result(Dict[str, Any]):
    """The JSON document that a command prints, as a dictionary. `dis-eval schema` describes its keys.

    `arguments` are the arguments of dis-eval, and `exit_status` is how it ended: 0, or 1 or 3 for a
    verdict of the gate.
    """

    def __init__(
        self, document: Mapping[str, Any], *, arguments: Sequence[str] = (), exit_status: int = 0
    ) -> None:
        super().__init__(document)
        self.arguments = list(arguments)
        self.exit_status = exit_status

    @property
    def verdict(self) -> str:
        """The verdict of `gate`: `pass`, `worse` or `cannot_say`. Raises `KeyError` for other results."""
        return str(self["verdict"])

    def rows(self) -> List[Dict[str, Any]]:
        """Returns a row for each metric of each dialect and seed, or for each check of the gate.

        Raises `ValueError` if the document has neither.
        """
        if "checks" in self:
            return [dict(check) for check in self["checks"]]
        if "results" not in self and "metrics" not in self:
            raise ValueError("expected a result of fid, evaluate or gate")
        return [row for result in self.get("results", [self]) for row in _metrics(result)]

    def frame(self) -> Any:
        """Returns `rows()` as a `pandas.DataFrame`. Needs pandas."""
        return importlib.import_module("pandas").DataFrame(self.rows())


def _metrics(result: Mapping[str, Any]) -> List[Dict[str, Any]]:
    provenance = result["provenance"]
    source = provenance.get("sampler") or provenance.get("generator") or {}
    dialects: List[Tuple[str, Mapping[str, Any]]] = [(provenance.get("dialect"), result)]
    if result.get("dialects"):
        dialects = list(result["dialects"].items())
    rows = []
    for dialect, part in dialects:
        for name, metric in part["metrics"].items():
            low, high = metric.get("interval") or (None, None)
            rows.append(
                {
                    "metric": name,
                    "dialect": dialect,
                    "seed": source.get("seed"),
                    "num": provenance.get("num"),
                    "value": metric["value"],
                    "low": low,
                    "high": high,
                    "bias": metric.get("bias"),
                    "higher_is_better": metric.get("higher_is_better"),
                }
            )
    return rows
