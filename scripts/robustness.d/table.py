"""All rows, in sections."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner import Row


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    rows: Sequence[Row]


def all_rows() -> list[Section]:
    import rows_checkpoints
    import rows_images
    import rows_npy
    import rows_pickle
    import rows_process
    import rows_safetensors
    import rows_statistics
    import rows_zip

    modules = [
        rows_pickle,
        rows_zip,
        rows_safetensors,
        rows_npy,
        rows_statistics,
        rows_checkpoints,
        rows_images,
        rows_process,
    ]
    sections = [Section(*section) for module in modules for section in module.SECTIONS]
    ids = [row.id for section in sections for row in section.rows]
    repeated = {id for id in ids if ids.count(id) > 1}
    assert not repeated, f"ids of several rows: {repeated}"
    return sections
