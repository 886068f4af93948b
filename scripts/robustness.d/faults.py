"""Lets the disk, the memory and the machine fail while dis-eval writes files; see --help.

For each kind of file, a cheap command writes it while the first, second, third, ... of its system calls fails, until
it succeeds. Then the same command is killed there. After each fault
- the exit status is one of the documented ones for a failed write, and a message says why;
- each file has its old or its new content;
- nothing else is left, except what the command continues the next time;
- the same command, run again, writes the same bytes as if nothing had happened, and removes what a killed one left.
"""

import argparse
import contextlib
import csv
import fnmatch
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import conditions
import inputs
import tracer

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Kind:
    """A kind of file, the command that writes it, and the command that wrote the old content, if there is any."""

    name: str
    command: str
    before: str = ""
    continues: str = ""  # patterns of the files with which an interrupted command continues
    appends: str = ""  # patterns of files that each run of the command makes longer
    tables: str = ""  # patterns of tables that lack the rows of what failed
    most: int = 40  # the largest number of calls of one group that fail in turn
    quick: bool = False
    measured: bool = False  # the numbers are measurements, which are never the same

    def is_unfinished_work(self, name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in self.continues.split())

    def grows(self, name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in self.appends.split())

    def is_table(self, name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in self.tables.split())


SAMPLE = "sample --ckpt {ckpt} --steps 2 --threads 1 --quiet"
FID = "fid --ref {ref} --threads 1 --quiet"
OF_MODEL = f"{FID} --ckpt {{ckpt}} --steps 2"
GATE = "gate {in}/result.json --max fd=900"
RUN = "run/run.lock run/run.json run/units/*.safetensors"
SWEEP = "sweep/sweep.lock sweep/hashes.json sweep/ledger.jsonl sweep/runs/* sweep/results/*.json"

# The program and the options that all commands share stand in front of these.
KINDS = (
    Kind("result", f"{FID} --images {{in}}/four.npz --out {{out}}/a.json", "cp {in}/result.json {out}/a.json", quick=True),
    Kind(
        "result of all metrics",
        "evaluate --ref {ref} --threads 1 --quiet --images {in}/four.npz --out {out}/a.json",
        "cp {in}/result.json {out}/a.json",
    ),
    Kind("results of several seeds", f"{OF_MODEL} --num 2 --repeats 2 --out {{out}}/a.json", "cp {in}/result.json {out}/a.json"),
    Kind("samples, .npz", f"{SAMPLE} --num 3 --out {{out}}/a.npz", "cp {in}/two.npz {out}/a.npz", quick=True),
    Kind("samples, .zip", f"{SAMPLE} --num 3 --out {{out}}/a.zip", "cp {in}/two.zip {out}/a.zip"),
    Kind("samples, folder of .png", f"{SAMPLE} --num 3 --out {{out}}/images", continues="images/.dis-eval-unfinished"),
    Kind("samples as floats, .npy", f"{SAMPLE} --num 3 --raw-out {{out}}/a.npy", "cp {in}/two.npy {out}/a.npy"),
    Kind("grid, .png", f"{SAMPLE} --num 3 --grid {{out}}/a.png", "cp {in}/two.png {out}/a.png"),
    Kind("new run", f"{OF_MODEL} --num 4 --unit 2 --run {{out}}/run --out {{out}}/a.json", continues=RUN, quick=True),
    Kind(
        "longer run",
        f"{OF_MODEL} --num 5 --unit 2 --run {{out}}/run --out {{out}}/a.json",
        f"{OF_MODEL} --num 2 --unit 2 --run {{out}}/run --out {{out}}/a.json",
        continues=RUN,
    ),
    Kind("shard of a run", f"{OF_MODEL} --num 6 --unit 2 --run {{out}}/run --shard 0/2", continues=RUN),
    Kind(
        "images of a run",
        f"{OF_MODEL} --num 4 --unit 2 --run {{out}}/run --save-images {{out}}/a.npz --grid {{out}}/a.png",
        continues=RUN,
    ),
    Kind(
        "run of a generator",
        f"{FID} --generator 'python3 {{in}}/generator.py' --num 4 --unit 2 --run {{out}}/run --out {{out}}/a.json",
        continues=RUN,
        most=6,
    ),
    Kind(
        "merged result",
        "merge {in}/run --out {out}/a.json --grid {out}/a.png --save-images {out}/a.npz --threads 1 --quiet",
        "cp {in}/result.json {out}/a.json",
    ),
    Kind("features", "features --images {in}/four.npz --weights {weights} --out {out}/a.npz", "cp {in}/stats.npz {out}/a.npz"),
    Kind(
        "statistics",
        "stats make --images {in}/four.npz --weights {weights} --keep-features 2 --out {out}/a.npz",
        "stats make --images {in}/two.npz --weights {weights} --out {out}/a.npz",
    ),
    Kind(
        "converted statistics",
        "stats convert {in}/stats.npz --out {out}/a.npz",
        "stats make --images {in}/two.npz --weights {weights} --out {out}/a.npz",
    ),
    Kind("fetched statistics, from a file", "stats fetch cifar10-edm --from {in}/large.npz", most=6),
    Kind(
        "fetched statistics, from a server",
        "stats fetch cifar10-edm --from {server}/large.npz",
        continues="cache/dis-eval/stats/*.part",
        most=6,
    ),
    Kind("weights in the cache", "weights import {in}/inception.safetensors", most=3),
    Kind("comparison", "compare {in}/result.json {in}/result.json --out {out}/a.json", "cp {in}/result.json {out}/a.json"),
    Kind("repeated result", "rerun {in}/result.json --threads 1 --quiet --out {out}/a.json", "cp {in}/two.json {out}/a.json"),
    Kind(
        "explanation",
        "explain --images {in}/four.npz --ref {in}/two.npz --weights {weights} --threads 1 --quiet --out {out}/a.json",
        "cp {in}/result.json {out}/a.json",
    ),
    Kind(
        "benchmark",
        "bench --only sgemm --seconds 0.01 --threads 1 --quiet --out {out}/a.json",
        "cp {in}/result.json {out}/a.json",
        measured=True,
        most=4,
    ),
    Kind(
        "files of the gate",
        f"{GATE} --junit {{out}}/a.xml --openmetrics {{out}}/a.txt --summary {{out}}/a.md --out {{out}}/a.json",
        "cp {in}/result.json {out}/a.json",
    ),
    Kind(
        "baseline",
        "gate {in}/result.json --update-baseline {out}/a.json --reason better --accept",
        "gate {in}/two.json --update-baseline {out}/a.json --reason first",
    ),
    Kind(
        "result that the gate keeps",
        "gate --ckpt {ckpt} --ref {ref} --num 4 --steps 2 --threads 1 --quiet --max fd=900 --keep-result {out}/a.json",
        "cp {in}/two.json {out}/a.json",
    ),
    Kind(
        "summary and verdict of a CI job",
        "GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY={out}/a.md GITHUB_OUTPUT={out}/a.txt " + GATE,
        "cp {in}/lines.txt {out}/a.md",
        appends="a.md a.txt",
    ),
    Kind(
        "sweep",
        "sweep {in}/100.safetensors {in}/200.pt --ref {ref} --num 2 --steps 2 --threads 1 --quiet --out {out}/sweep --csv {out}/a.csv",
        continues=SWEEP,
        tables="a.csv",
    ),
    Kind("exported .csv", "export {in}/sweep/ledger.jsonl --format csv --out {out}/a", "cp {in}/lines.txt {out}/a"),
    Kind("exported OpenMetrics", "export {in}/sweep/ledger.jsonl --format openmetrics --out {out}/a", "cp {in}/lines.txt {out}/a"),
    Kind("exported DVC", "export {in}/sweep/ledger.jsonl --format dvc --out {out}/a", "cp {in}/lines.txt {out}/a"),
    Kind("exported MLflow", "export {in}/sweep/ledger.jsonl --format mlflow --out {out}/mlruns", most=12),
    Kind(
        "plots, .csv and .json",
        "plot {in}/sweep/ledger.jsonl --quiet --out {out}/a.csv --out {out}/a.json",
        "cp {in}/lines.txt {out}/a.csv",
    ),
    Kind(
        "plots, .svg, .png and .pdf",
        "plot {in}/sweep/ledger.jsonl --quiet --out {out}/a.svg --out {out}/a.png --out {out}/a.pdf",
        "cp {in}/lines.txt {out}/a.svg",
        most=12,
    ),
    Kind("report", "report {in}/result.json --num 2 --threads 1 --quiet --out {out}/a.html", "cp {in}/lines.txt {out}/a.html"),
    Kind("report of a sweep", "report {in}/sweep --out {out}/a.html", "cp {in}/lines.txt {out}/a.html"),
)

# The group of calls that fails, and how.
FAULTS = (
    ("write", "ENOSPC"),
    ("write", "EIO"),
    ("fsync", "EIO"),
    ("rename", "EIO"),
    ("close", "EIO"),
    ("create", "EMFILE"),
    ("create", "ENOSPC"),
    ("mkdir", "ENOSPC"),
)
KILLED_AT = ("write", "fsync", "rename", "close", "create", "mkdir", "remove")
WRITE_FAILED = {73, 74}
REASONS = {"ENOSPC": "No space left|DiskFull|enough space", "EIO": "Input/output error", "EMFILE": "Too many open files"}
TEMPORARY = re.compile(
    r"(.*/)?(\.[^/]+\.dis-eval-[0-9a-z]{13}\.tmp|dis-eval\.[0-9a-z]+|[^/]+\.part)|tmp/dis-eval-[0-9A-F-]{36}/[^/]+"
)

Tree = dict[str, bytes]


class Place:
    """The folders in which commands run, and what they need."""

    def __init__(self, binary: Path, work: Path):
        self.binary, self.work = binary, work
        self.input, self.output, self.temporary, self.scratch = (work / name for name in ("in", "out", "tmp", "scratch"))
        for folder in (self.input, self.output, self.temporary, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)
        self.words = {
            "in": self.input,
            "out": self.output,
            "ckpt": ROOT / "scripts/train_demo/fashion-dis.safetensors",
            "ref": ROOT / "reference_stats/fashion-mnist-train.npz",
            "weights": ROOT / "reference_stats/fashion-mnist-extractor.safetensors",
            "server": "",
        }
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(work),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(self.output / "cache"),
            # A crash is to show its own status, and not to wait for a symbolicator.
            "SWIFT_BACKTRACE": "enable=no",
        }

    def command(self, text: str) -> tuple[list[str], dict[str, str]]:
        """Returns the arguments and the environment of a command of the table."""
        words = [word.format(**self.words) for word in shlex.split(text)]
        environment = dict(self.environment)
        while "=" in words[0]:
            name, value = words.pop(0).split("=", 1)
            environment[name] = value
        if words[0] == "cp":
            return ["/bin/cp", *words[1:]], environment
        return [str(self.binary), *words], environment

    def run(self, text: str, limit: float = 120) -> tracer.Outcome:
        """Runs a command without a fault."""
        arguments, environment = self.command(text)
        try:
            done = subprocess.run(arguments, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return tracer.Outcome(status=-9, timed_out=True)
        return tracer.Outcome(done.returncode, output=done.stdout, message=done.stderr.decode(errors="replace"))

    def run_with(self, text: str, fault: tracer.Fault | None) -> tracer.Outcome:
        arguments, environment = self.command(text)
        return tracer.run(arguments, [self.output, self.temporary], self.scratch, environment, fault)

    def tree(self) -> Tree:
        """The contents of all files that commands can leave, by their names."""
        files = {}
        for folder, prefix in ((self.output, ""), (self.temporary, "tmp/")):
            for path in folder.rglob("*"):
                if path.is_file():
                    files[prefix + str(path.relative_to(folder))] = path.read_bytes()
        return files

    def put(self, tree: Tree):
        """Makes the files those of `tree`."""
        for folder in (self.output, self.temporary):
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, content in tree.items():
            path = self.temporary / name[4:] if name.startswith("tmp/") else self.output / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


# What may differ between two runs of the same command: the time, the host and what was measured.
VOLATILE_KEYS = {"run", "finished", "seconds", "time", "created", "host", "date"}


def settled(name: str, content: bytes, measured: bool = False):
    """Returns what two undisturbed runs of a command have in common."""
    if name.endswith(("hashes.json", ".lock")):
        return "a cache of hashes with the times of files" if name.endswith(".json") else content
    if name.endswith((".json", ".jsonl")):
        try:
            documents = [json.loads(line) for line in (content.splitlines() if name.endswith("l") else [content])]
        except ValueError:
            return content
        return [without(document, VOLATILE_KEYS, measured) for document in documents]
    if name.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(content.decode(errors="replace"))))
        return [{key: text for key, text in row.items() if key not in VOLATILE_KEYS} for row in rows] or content
    if name.endswith(".pdf"):
        return re.sub(rb"/CreationDate \([^)]*\)", b"", content)
    return content


def without(value, keys: set[str], measured: bool = False):
    """Returns a document without these keys, and without its numbers if they are measurements."""
    if isinstance(value, dict):
        return {key: without(item, keys, measured) for key, item in value.items() if key not in keys}
    if isinstance(value, list):
        return [without(item, keys, measured) for item in value]
    return 0 if measured and isinstance(value, (int, float)) else value


INTERVALS = {"interval", "interval_reason", "interval_method", "confidence", "bias", "jackknife"}


def bare(content: bytes):
    """Returns a result or a ledger without its intervals."""
    for documents in ([content], content.splitlines()):
        with contextlib.suppress(ValueError):
            return [without(json.loads(document), VOLATILE_KEYS | INTERVALS) for document in documents]
    return content


@dataclass
class Row:
    """The counts of one kind of file."""

    failed_calls: int = 0
    kills: int = 0
    left_by_kills: int = 0
    leftovers: int = 0
    checks: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)

    def check(self, is_right: bool, problem: str, example: str):
        self.checks += 1
        if not is_right:
            self.problems.append((problem, example))


class Loop:
    """The faults of one kind of file."""

    def __init__(self, place: Place, kind: Kind, most: int | None = None):
        self.place, self.kind, self.row = place, kind, Row()
        self.most = min(kind.most, most or kind.most)
        self.without_intervals: Tree = {}

    def run(self) -> Row:
        if self.prepare():
            for group, error in FAULTS:
                for persistent in (False, True):
                    self.fail_in_turn((group,), error, persistent)
            self.fail_in_turn(KILLED_AT, "", False)
        return self.row

    def prepare(self) -> bool:
        """Writes the old and the new content undisturbed; false if the command is of no use."""
        self.place.put({})
        if self.kind.before:
            self.place.run(self.kind.before)
        self.old = self.place.tree()
        self.normal = self.place.run(self.kind.command)
        self.new = self.place.tree()
        # Some commands want a new folder, and refuse one with complete files.
        self.is_repeatable = self.place.run(self.kind.command).status == self.normal.status
        self.place.put(self.old)
        counted = self.place.run_with(self.kind.command, None)
        self.counts = Counter(group for group, _ in counted.calls)
        is_usable = self.normal.status in (0, 3) and self.same(self.place.tree(), self.new) and len(self.new) > 0
        self.row.check(is_usable, "two undisturbed runs do not agree", f"{self.normal.status} {self.normal.first_line}")
        return is_usable

    def fail_in_turn(self, groups: tuple[str, ...], error: str, persistent: bool):
        total = sum(self.counts[group] for group in groups)
        most = min(self.most, 4 if self.most > 3 else 1) if persistent else self.most * (2 if not error else 1)
        for nth in spread(total, most):
            self.disturb(tracer.Fault(groups, nth, error, persistent))
        # One more than there are calls: the command succeeds.
        if total and not persistent:
            self.disturb(tracer.Fault(groups, total + 20, error))

    def disturb(self, fault: tracer.Fault):
        self.place.put(self.old)
        self.without_intervals = {}
        outcome = self.place.run_with(self.kind.command, fault)
        example = f"{fault} ({outcome.hit}): exit {outcome.status}, {outcome.first_line[:160]}"
        tree = self.place.tree()
        if not outcome.hit:
            self.row.check(
                outcome.status == self.normal.status and self.same(tree, self.new), "undisturbed, but different", example
            )
            return
        if fault.error:
            self.row.failed_calls += 1
            self.check_status(outcome, fault, tree, example)
        else:
            self.row.kills += 1
        self.check_tree(tree, bool(fault.error), example)
        self.check_again(example)

    def check_status(self, outcome: tracer.Outcome, fault: tracer.Fault, tree: Tree, example: str):
        self.row.check(not outcome.timed_out, "hangs", example)
        if outcome.status == self.normal.status:
            is_new = self.same(tree, self.new, ignored=True)
            if not is_new and str(self.place.temporary) in outcome.hit:
                is_new = self.lacks_intervals(tree, REASONS[fault.error])
            self.row.check(is_new, "success, but files are not all new", example)
            return
        self.row.check(outcome.status in WRITE_FAILED, f"exit status {outcome.status}, expected 73 or 74", example)
        # A sweep says in its table why it could not write.
        says = re.search(REASONS[fault.error], outcome.message + outcome.output.decode(errors="replace"))
        self.row.check(says is not None, f"the message does not say why ({fault.error})", example)

    def lacks_intervals(self, tree: Tree, reason: str) -> bool:
        """Whether only intervals are missing, and the files say why: $TMPDIR had no place for what they need."""
        is_said = any(re.search(reason.encode(), content) for content in tree.values())
        is_rest_there = all(name in tree and bare(tree[name]) == bare(content) for name, content in self.changed(tree))
        self.without_intervals = tree if is_said and is_rest_there else {}
        return bool(self.without_intervals)

    def changed(self, tree: Tree):
        return [item for item in self.new.items() if not self.is_same(item[0], tree.get(item[0]), item[1])]

    def check_tree(self, tree: Tree, must_be_clean: bool, example: str):
        """Each file is old or new, and nothing is left but unfinished work."""
        for name in sorted({*tree, *self.old}):
            found = tree.get(name)
            known = [files.get(name) for files in (self.old, self.new, self.without_intervals)]
            if any(self.is_same(name, found, content) for content in known) or self.is_part(name, found):
                continue
            if name in self.old or name in self.new:
                is_fine = self.kind.is_unfinished_work(name)
                self.row.check(is_fine, f"{plain(name)} is neither old nor new", f"{example}; {name}")
            elif not self.kind.is_unfinished_work(name):
                self.row.leftovers += must_be_clean
                self.row.left_by_kills += not must_be_clean
                may_stay = not must_be_clean and TEMPORARY.fullmatch(name)
                self.row.check(bool(may_stay), f"leaves {plain(name)}", f"{example}; {name}")
        self.row.check(True, "", "")

    def check_again(self, example: str):
        """The same command, run again, does what it would have done."""
        if not self.is_repeatable and self.same(self.place.tree(), self.new):
            return
        again = self.place.run(self.kind.command)
        tree = self.place.tree()
        self.row.check(
            again.status == self.normal.status,
            f"run again, exit status {again.status}",
            f"{example}; again: {again.first_line[:160]}",
        )
        if again.status != self.normal.status:
            return
        extra = sorted(set(tree) - set(self.new))
        for name in extra:
            self.row.leftovers += 1
            self.row.check(False, f"run again, {plain(name)} is still there", f"{example}; {name}")
        rest = {name: content for name, content in tree.items() if name not in extra}
        self.row.check(self.same(rest, self.new), "run again, other bytes", f"{example}; {self.differences(rest)}")

    def is_part(self, name: str, found: bytes | None) -> bool:
        """Whether a table has some of the new rows, and nothing else."""
        if found is None or not self.kind.is_table(name):
            return False
        columns, *lines = found.decode().splitlines()
        if not lines:
            return set(columns.split(",")) <= set(self.new[name].decode().splitlines()[0].split(","))
        rows = settled(name, found)
        return isinstance(rows, list) and all(row in settled(name, self.new[name]) for row in rows)

    def differences(self, tree: Tree) -> str:
        return ", ".join(name for name, _ in self.changed(tree)[:3])

    def same(self, tree: Tree, other: Tree, ignored: bool = False) -> bool:
        """Whether both have the same files; `ignored`: apart from leftovers, which are reported on their own."""
        names = {*other} if ignored else {*tree, *other}
        return all(self.is_same(name, tree.get(name), other.get(name)) for name in names)

    def is_same(self, name: str, first: bytes | None, second: bytes | None) -> bool:
        if self.kind.grows(name):
            # An empty file is as good as none.
            first, second = first or b"", second or b""
        if first is None or second is None:
            return first is second
        if self.kind.grows(name):
            # A command that failed after it had appended appends again.
            old = self.old.get(name, b"")
            first, second = ((content[: len(old)], content[len(old) :]) for content in (first, second))
            return first[0] == second[0] and (first[1] == second[1] or bool(first[1]) and first[1] == 2 * second[1])
        return settled(name, first, self.kind.measured) == settled(name, second, self.kind.measured)


def spread(total: int, most: int) -> list[int]:
    """All of 1 ... total, or `most` of them, the first and the last included."""
    if total <= most or most == 1:
        return list(range(1, min(total, most) + 1))
    return sorted({1 + round(i * (total - 1) / (most - 1)) for i in range(most)})


def plain(name: str) -> str:
    """A name without what is random in it."""
    return re.sub(r"dis-eval[-.][0-9A-Za-z-]{9,36}", "dis-eval-*", re.sub(r"[0-9a-f]{32,}", "*", name))


# MARK: The report


def verdict(row: Row) -> str:
    return "passed" if not row.problems else f"{len(row.problems)} failed"


def print_table(rows: dict[str, Row]):
    print("\n| kind of file | calls failed | kills | left by kills | leftovers | checks | verdict |")
    print("|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        counts = (row.failed_calls, row.kills, row.left_by_kills, row.leftovers, row.checks)
        print(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} | {verdict(row)} |")


def print_problems(name: str, row: Row):
    """Each problem once, with how often it occurred and an example."""
    times = Counter(problem for problem, _ in row.problems)
    for problem, count in times.items():
        example = next(text for found, text in row.problems if found == problem)
        print(f"  FAILED {name}: {problem} ({count} times)\n    such as: {example}")


def report(name: str, row: Row, started: float):
    print(
        f"{name}: {row.failed_calls} calls failed, {row.kills} kills, {row.checks} checks, {verdict(row)}"
        f" ({time.monotonic() - started:.1f} s)"
    )
    print_problems(name, row)
    sys.stdout.flush()


def main() -> int:
    options = parsed_options()
    binary = Path(options.dis_eval).resolve()
    if not os.access(binary, os.X_OK):
        print(f"There is no {binary}. Build it with: swift build -c release", file=sys.stderr)
        return 66
    if missing := missing_things(options):
        print(f"This needs {', '.join(missing)}; {advice(options)}", file=sys.stderr)
        return 69
    folder = Path(options.work or tempfile.mkdtemp(prefix="faults-"))
    rows: dict[str, Row] = {}
    started = time.monotonic()
    try:
        place = Place(binary, folder)
        kinds = [kind for kind in KINDS if chosen(kind.name, options) and (kind.quick or not options.quick)]
        with inputs.server(place.input) as address:
            place.words["server"] = address
            inputs.make(place, everything=not options.quick)
            if options.part in ("all", "files"):
                for kind in kinds:
                    begun = time.monotonic()
                    rows[kind.name] = Loop(place, kind, 3 if options.quick else None).run()
                    report(kind.name, rows[kind.name], begun)
            for name, row in conditions.run_all(place, options, report):
                rows[name] = row
    finally:
        if not options.work:
            shutil.rmtree(folder, ignore_errors=True)
    print_table(rows)
    failed = sum(len(row.problems) for row in rows.values())
    passed = sum(row.checks for row in rows.values()) - failed
    print(f"\n{time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def parsed_options():
    parser = argparse.ArgumentParser(prog="scripts/robustness-faults", description=__doc__.splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="some kinds of files and faults, without root (default)")
    size.add_argument("--all", action="store_true", help="everything; needs root, for mount")
    parser.add_argument("--dis-eval", default=str(ROOT / ".build/release/dis-eval"), metavar="FILE", help="the program")
    parser.add_argument("--only", default="", metavar="TEXT", help="only kinds and conditions whose names contain TEXT")
    parser.add_argument("--part", choices=("all", "files", "memory", "conditions"), default="all")
    parser.add_argument("--work", default="", metavar="FOLDER", help="work here, and keep the files")
    options = parser.parse_args()
    options.quick = not options.all
    return options


def chosen(name: str, options) -> bool:
    return options.only in name


def missing_things(options) -> list[str]:
    missing = [] if tracer.is_supported() else ["Linux on x86-64"]
    if options.all:
        missing += [name for name in ("faketime", "gnuplot", "mount") if not shutil.which(name)]
        missing += ["root, to mount file systems"] if os.geteuid() else []
    return missing


def advice(options) -> str:
    return "install them, for example with apt install faketime gnuplot-nox mount, or use --quick"


if __name__ == "__main__":
    sys.exit(main())
