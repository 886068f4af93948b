"""Runs one row of the table in a folder of its own, and says what is wrong with the answer."""

import hashlib
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEASURE = Path(__file__).with_name("measure.py")
SECONDS = 2.0
MEMORY = 256 << 20
# A row that waits instead of computing is killed after this many times its limit.
PATIENCE = 10
CANARY = "pwned"
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    output: str
    errors: str
    timed_out: bool = False
    seconds: float = 0
    processor: float = 0
    memory: int = 0

    @property
    def error(self) -> str:
        """The line of the error message."""
        return next((line for line in self.errors.splitlines() if "error:" in line.lower()), "")

    @property
    def fault(self) -> str:
        """The kind of failure: the word after "error:", such as ZipOverlap."""
        match = re.search(r"error: (\w+): ", self.error)
        return match[1] if match else ""


@dataclass(frozen=True)
class Row:
    """One case: files that are made, a command, and what dis-eval must answer."""

    id: str
    what: str
    # Contents of files by path, or a function that makes them in a folder.
    files: Mapping[str, bytes | Callable[[], bytes]] | Callable[[Path], None]
    # Arguments of dis-eval. In a shell command, "$DIS_EVAL" is its path.
    command: str
    status: int = 65
    # The kind of failure in the message; of several, any will do.
    fault: str | tuple[str, ...] = ""
    # What the message must name: the first file, if nothing else is given.
    names: str | None = None
    # Texts that must stand in the output or the messages, and one that must not.
    says: tuple[str, ...] = ()
    # The paths that may appear or change.
    writes: tuple[str, ...] = ()
    # A function that looks at the folder and the outcome afterwards, and returns what is wrong.
    check: Callable[[Path, Outcome], str] | None = None
    # Instead of the command: a function that does several steps and raises AssertionError.
    steps: Callable[["Bench"], None] | None = None
    # What the steps expect, for the page.
    answer: str = ""
    # Programs without which the row is skipped.
    needs: tuple[str, ...] = ()
    shell: bool = False
    slow: bool = False
    # Whether it must not run as root, who may read and write everything.
    unprivileged: bool = False
    seconds: float = SECONDS
    memory: int = MEMORY
    environment: Mapping[str, str | None] = field(default_factory=dict)
    note: str = ""

    @property
    def is_possible(self) -> bool:
        return all(map(shutil.which, self.needs))

    @property
    def faults(self) -> tuple[str, ...]:
        return (self.fault,) if isinstance(self.fault, str) else self.fault


class Bench:
    """A folder with the files of a row, in which dis-eval is run."""

    def __init__(self, row, binary, factor, scratch):
        self.row, self.binary, self.factor = row, binary, factor
        self.base = Path(tempfile.mkdtemp(prefix="row-", dir=scratch))
        self.folder, self.home, self.temporary = (self.base / name for name in ("work", "home", "tmp"))
        for folder in (self.folder, self.home, self.temporary):
            folder.mkdir()
        if callable(row.files):
            row.files(self.folder)
        else:
            for name, content in row.files.items():
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content() if callable(content) else content)
        if self.is_nobody:
            scratch.chmod(0o755)
            self.base.chmod(0o755)
            for path in (self.folder, self.home, self.temporary):
                os.chown(path, NOBODY, NOBODY)

    @property
    def is_nobody(self):
        return self.row.unprivileged and os.geteuid() == 0

    def close(self):
        for path in [self.base, *self.base.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(self.base)

    @property
    def environment(self):
        values = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
            "DIS_EVAL": str(self.binary),
            "SWIFT_BACKTRACE": "enable=no",
            **self.row.environment,
        }
        return {key: value.replace("{folder}", str(self.folder)) for key, value in values.items() if value is not None}

    def words(self, command, shell=False):
        for name, path in FILES.items():
            command = command.replace(f"{{{name}}}", shlex.quote(str(path)))
        words = ["/bin/sh", "-c", command] if shell else [str(self.binary), *shlex.split(command)]
        return [*AS_NOBODY, *words] if self.is_nobody else words

    def run(self, command, shell=False) -> Outcome:
        """Runs a command to its end, and measures it."""
        report = self.base.with_suffix(".json")
        limit = self.row.seconds * self.factor * PATIENCE
        process = subprocess.run(
            [sys.executable, "-I", "-S", MEASURE, report, str(limit), *self.words(command, shell)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        output, errors = process.stdout, process.stderr
        measured = json.loads(report.read_text())
        report.unlink()
        return Outcome(output=output.decode(errors="replace"), errors=errors.decode(errors="replace"), **measured)

    def start(self, command) -> subprocess.Popen:
        """Starts a command; `end` waits for it."""
        return subprocess.Popen(
            self.words(command),
            cwd=self.folder,
            env=self.environment,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self, process, within=30.0) -> Outcome:
        start = time.monotonic()
        try:
            output, errors = process.communicate(timeout=within * self.factor)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            return Outcome(137, output, errors, timed_out=True)
        code = process.returncode
        return Outcome(128 - code if code < 0 else code, output, errors, seconds=time.monotonic() - start)

    def expect(self, command, status=0, fault="", shell=False) -> Outcome:
        """Runs a command that must end in this way."""
        outcome = self.run(command, shell)
        assert outcome.status == status and fault in ("", outcome.fault), described(outcome, command)
        return outcome

    @property
    def size(self) -> int:
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if path.is_file())


FILES = {
    "demo": ROOT / "scripts/train_demo/fashion-dis.safetensors",
    "extractor": ROOT / "reference_stats/fashion-mnist-extractor.safetensors",
    "statistics": ROOT / "reference_stats/fashion-mnist-train.npz",
}


def described(outcome, command) -> str:
    return f"{command!r} exited with {outcome.status}: {outcome.error or outcome.errors.strip()[-200:] or 'no message'}"


def tree(folder: Path) -> dict[str, tuple]:
    """What lies in a folder: kind and content by path. Only what can be read without waiting is read."""
    found = {}
    for root, folders, files in os.walk(os.fsencode(folder)):
        for name in folders + files:
            path = os.path.join(root, name)
            status = os.lstat(path)
            content = ""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
            key = os.path.relpath(path, os.fsencode(folder)).decode(errors="surrogateescape")
            found[key] = (stat.S_IFMT(status.st_mode), content)
    return found


def changed(before, after, allowed) -> list[str]:
    """Paths that differ, without those below an allowed one."""
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    below = lambda path, folder: path == folder or path.startswith(folder + "/")
    return [path for path in paths if not any(below(path, "work/" + folder) for folder in allowed)]


def problems(row: Row, bench: Bench, outcome: Outcome) -> list[str]:
    """What is wrong with the answer to a row."""
    found = []
    limit, memory = row.seconds * bench.factor, row.memory + bench.size
    if outcome.status != row.status:
        found.append(f"exit status {outcome.status}, expected {row.status}")
    elif row.fault and outcome.fault not in row.faults:
        found.append(f"{outcome.fault or 'no kind of failure'}, expected {' or '.join(row.faults)}")
    if outcome.status >= 128:
        found.append("ended by a signal")
    if outcome.timed_out:
        found.append(f"did not end within {limit * PATIENCE:.0f} s")
    elif outcome.processor > limit:
        found.append(f"{outcome.processor:.1f} s of processor time, the limit is {limit:.1f}")
    if outcome.memory > memory:
        found.append(f"{outcome.memory >> 20} MiB of memory, the limit is {memory >> 20}")
    if row.status not in (0, 1, 3, 75) and outcome.status == row.status:
        name = next(iter(row.files)) if row.names is None and isinstance(row.files, Mapping) else row.names
        if name and name not in outcome.error:
            found.append(f"the message does not name {name!r}")
    for text in row.says:
        if text not in outcome.output + outcome.errors:
            found.append(f"does not say {text!r}")
    return found


def run_row(row: Row, binary: Path, factor: float, scratch: Path) -> tuple[list[str], Outcome | None]:
    """Runs a row. Returns what is wrong and how the command ended."""
    bench = Bench(row, binary, factor, scratch)
    try:
        if row.steps:
            row.steps(bench)
            found, outcome = [], None
        else:
            before = tree(bench.base)
            outcome = bench.run(row.command, row.shell)
            found = problems(row, bench, outcome)
            found += [f"{path} changed" for path in changed(before, tree(bench.base), row.writes)]
            if row.check and not found:
                found += filter(None, [row.check(bench.folder, outcome)])
        if any((place / CANARY).exists() for place in (bench.folder, bench.home, Path.cwd())):
            found.append("code in a file was executed")
        return found, outcome
    except AssertionError as failure:
        return [str(failure)], None
    except (KeyError, ValueError, OSError) as failure:
        return [f"the answer cannot be checked: {failure!r}"], None
    finally:
        bench.close()
