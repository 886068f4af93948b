"""docs/robustness.md, from the table."""

from table import Section

INTRODUCTION = """# Robustness

What dis-eval answers to broken and malicious files, damaged runs and hostile surroundings. This page was
generated from a table of {count} rows by `scripts/robustness --write-docs`. `scripts/robustness` makes the
files of every row, runs the built command, and checks that

- the exit status and the kind of failure are those below, and the message names the file;
- nothing in a file was executed, and no file was written or changed other than the outputs of a
  successful command;
- no process was ended by a signal (no status of 128 or more);
- it took at most {seconds:.0f} seconds of processor time and {memory} MiB of memory beyond the size of the
  files, unless a row allows more.

`scripts/robustness --quick` leaves out the {slow} rows marked *slow*. For the exit statuses, see
[exit statuses](exit-statuses.md).
"""


ENDING = """
## What is not checked

- A file that changes or vanishes while images are read (I24), and two machines that compute different
  bytes for the same samples (J11): they need timing that a script cannot rely on.
- A square weight matrix that was transposed (H14): no shape can tell. `rerun` and `gate --audit` find it
  by the samples.
- A checkpoint of the wrong size of DiS (H5): dis-eval is never told a size, but reads it from the
  tensors, so that only contradictions can be refused.
- Exceptions that dis-eval does not offer: skipping bad images, and reading grey images of 16 bits, JPEG
  files with warnings or weights that are not finite.
"""


def escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def answer(row) -> str:
    if row.steps:
        return row.answer
    if row.status == 0:
        return "accepted"
    kinds = " or ".join(f"`{fault}`" for fault in row.faults if fault)
    return f"{row.status} {kinds}".strip()


def lines(section: Section):
    yield f"\n## {section.title}\n"
    if section.text:
        yield f"{section.text}\n"
    if section.rows:
        yield "| | what | answer |\n|---|---|---|"
    for row in section.rows:
        what = escaped(row.what) + (f" ({escaped(row.note)})" if row.note else "") + (" *slow*" if row.slow else "")
        yield f"| {escaped(row.id)} | {what} | {answer(row)} |"


def text(sections) -> str:
    from runner import MEMORY, SECONDS

    rows = [row for section in sections for row in section.rows]
    introduction = INTRODUCTION.format(
        count=len(rows), seconds=SECONDS, memory=MEMORY >> 20, slow=sum(row.slow for row in rows)
    )
    return introduction + "\n".join(line for section in sections for line in lines(section)) + "\n" + ENDING
