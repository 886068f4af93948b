"""Whole-process conditions: memory, disks, limits, signals, the clock, locks and the environment.

Each condition is a function that fills a row of the table. Those of `WITH_ALL` need root or more time.
"""

import contextlib
import fcntl
import os
import random
import re
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

import tracer

SAMPLE = "sample --ckpt {ckpt} --steps 2 --threads 1 --quiet"
FID = "fid --ref {ref} --threads 1 --quiet"
SOON = 10  # seconds within which a command that cannot work must have said so
DAMAGE_FREE = {71, 73, 74}
LOADER = re.compile("error while loading shared libraries|cannot allocate memory in static TLS block")


def run_all(place, options, report):
    """Runs the chosen conditions, and yields the name and the row of each."""
    conditions = {"memory": MEMORY, "conditions": ANYWHERE + (() if options.quick else WITH_ALL)}
    for part, functions in conditions.items():
        if options.part not in ("all", part):
            continue
        for function in functions:
            name = function.__doc__.splitlines()[0].rstrip(".")
            if options.only not in name:
                continue
            begun = time.monotonic()
            row = function(Study(place, options.quick))
            report(name, row, begun)
            yield name, row


class Study:
    """What a condition needs: the place, the kinds of files, and checks of what a command left."""

    def __init__(self, place, quick: bool):
        from faults import Row

        self.place, self.quick, self.row = place, quick, Row()

    def loops(self, *names: str):
        """Prepares the kinds of files with these names, or all, and yields them."""
        from faults import KINDS, Loop

        kinds = [kind for kind in KINDS if kind.name in names or (not names and (kind.quick or not self.quick))]
        for kind in kinds:
            loop = Loop(self.place, kind)
            if loop.prepare():
                loop.row = self.row
                self.place.put(loop.old)
                yield loop
            else:
                self.row.check(False, f"{kind.name}: two undisturbed runs do not agree", "")

    def loop_of(self, kind):
        from faults import Loop

        loop = Loop(self.place, kind)
        is_usable = loop.prepare()
        loop.row = self.row
        self.row.check(is_usable, f"{kind.name}: two undisturbed runs do not agree", loop.normal.first_line)
        self.place.put(loop.old)
        return loop

    def judge(self, loop, outcome, statuses, example: str, again: bool = True):
        """Success must have written everything; anything else must have one of these exit statuses."""
        self.row.failed_calls += 1
        example = f"{loop.kind.name}, {example}: exit {outcome.status}, {outcome.first_line[:160]}"
        tree = self.place.tree()
        self.row.check(not outcome.timed_out, "hangs", example)
        if outcome.timed_out:
            return
        if outcome.status == loop.normal.status:
            is_new = loop.same(tree, loop.new, ignored=True) or loop.lacks_intervals(tree, "features could not be kept")
            self.row.check(is_new, "success, but files are not all new", example)
        elif not (outcome.status == 127 and LOADER.search(outcome.message)):
            expected = " or ".join(map(str, sorted(statuses)))
            self.row.check(outcome.status in statuses, f"exit status {outcome.status}, expected {expected}", example)
        loop.check_tree(tree, True, example)
        if again:
            loop.check_again(example)


def run(place, text: str, *, limits=(), output=subprocess.PIPE, limit: float = SOON, close=False, changes=(), front=()):
    """Runs a command under resource limits, with other standard output, or with a changed environment."""
    arguments, environment = place.command(text)
    for name, value in changes:
        environment.pop(name, None)
        if value is not None:
            environment[name] = value

    def prepare():
        for kind, value in limits:
            resource.setrlimit(kind, (value, value))
        if close:
            os.close(1)

    with subprocess.Popen(
        [*front, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        preexec_fn=prepare,
    ) as process:
        try:
            found, message = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            found, message = process.communicate()
            return tracer.Outcome(-9, True, found or b"", message.decode(errors="replace"))
    return tracer.Outcome(process.returncode, False, found or b"", message.decode(errors="replace"))


# MARK: Memory


def failed_allocations(study):
    """ENOMEM of the n-th request for memory."""
    names = ("result", "samples, .npz", "new run", "statistics", "plots, .csv and .json", "report")
    for loop in study.loops(*names[: 1 if study.quick else None]):
        for persistent in (False, True):
            for nth in range(1, 3 if study.quick else 60):
                study.place.put(loop.old)
                fault = tracer.Fault(("memory",), nth, "ENOMEM", persistent)
                outcome = tracer.run(
                    study.place.command(loop.kind.command)[0],
                    [],
                    study.place.scratch,
                    study.place.environment,
                    fault,
                    SOON,
                )
                if not outcome.hit:
                    break
                study.judge(loop, outcome, {71}, str(fault), again=False)
    return study.row


def address_space(study):
    """Limited address space (ulimit -v)."""
    names = ("result", "samples, .npz", "new run", "statistics", "comparison", "plots, .csv and .json", "report")
    for loop in study.loops(*names[: 1 if study.quick else None]):
        kibibytes = 200_000 if study.quick else 50_000
        while kibibytes < 8_000_000:
            study.place.put(loop.old)
            limits = [(resource.RLIMIT_AS, kibibytes * 1024)]
            outcome = run(study.place, loop.kind.command, limits=limits)
            study.judge(loop, outcome, {71}, f"ulimit -v {kibibytes}", again=False)
            if outcome.status == loop.normal.status:
                break
            kibibytes = int(kibibytes * (4 if study.quick else 1.3))
            kibibytes = 200_000 if 150_000 < kibibytes < 200_000 else kibibytes
    return study.row


# MARK: Limits


def file_size(study):
    """Limited size of files (ulimit -f)."""
    for loop in study.loops():
        for size in (0, 4096) if study.quick else (0, 1024, 16384, 262144):
            study.place.put(loop.old)
            outcome = run(study.place, loop.kind.command, limits=[(resource.RLIMIT_FSIZE, size)], limit=120)
            study.judge(loop, outcome, {74}, f"files of at most {size} bytes")
    return study.row


def descriptors(study):
    """Few descriptors (ulimit -n 3 to 16)."""
    names = ("result", "samples, .npz", "new run", "statistics", "plots, .svg, .png and .pdf", "run of a generator")
    for loop in study.loops(*names[: 2 if study.quick else None]):
        for count in (3, 6, 9, 12) if study.quick else range(3, 17):
            study.place.put(loop.old)
            outcome = run(study.place, loop.kind.command, limits=[(resource.RLIMIT_NOFILE, count)])
            study.judge(loop, outcome, {69, 73, 74}, f"{count} descriptors")
    return study.row


# MARK: Standard output

PRINTING = (
    "--version",
    "--help",
    "help fid",
    "stats list",
    "presets",
    "schema result",
    "shard --json",
    "weights list",
    "inspect {ckpt} --tensors",
    "inspect {ref} --json",
    "compare {in}/result.json {in}/result.json --json",
    "gate {in}/result.json --max fd=900",
    "fid --images {in}/four.npz --ref {ref} --threads 1 --json",
    "sample --ckpt {ckpt} --steps 2 --num 2 --out {out}/a.npz",
    "stats make --images {in}/four.npz --weights {weights} --out {out}/a.npz",
    "fid --images {in}/four.npz --ref {ref} --threads 1 --out {out}/a.json",
    "report {in}/result.json --num 0 --out {out}/a.html",
)


def standard_output(study):
    """Standard output that is closed, full, or read for one line."""
    from faults import plain

    for command in PRINTING[::3] if study.quick else PRINTING:
        study.place.put({})
        normal = run(study.place, command)
        new = study.place.tree()
        for how, statuses in (("closed", {74}), ("/dev/full", {74}), ("| head -1", {0, normal.status, 74})):
            study.place.put({})
            outcome = run_into(study.place, command, how)
            example = f"{command} ({how}): exit {outcome.status}, {outcome.first_line[:160]}"
            study.row.failed_calls += 1
            expected = " or ".join(map(str, sorted(statuses)))
            found = f"{how}: exit status {outcome.status}, expected {expected}"
            study.row.check(outcome.status in statuses and not outcome.timed_out, found, example)
            for name, content in study.place.tree().items():
                is_whole = name in new and abs(len(content) - len(new[name])) < 64
                study.row.check(is_whole, f"{how}: {plain(name)} is damaged or left", example)
    return study.row


def run_into(place, command: str, how: str):
    if how == "closed":
        return run(place, command, output=None, close=True)
    if how == "/dev/full":
        with open("/dev/full", "wb") as full:
            return run(place, command, output=full)
    reader, writer = os.pipe()
    with subprocess.Popen(["head", "-1"], stdin=reader, stdout=subprocess.DEVNULL) as head:
        os.close(reader)
        outcome = run(place, command, output=writer)
        os.close(writer)
        head.wait()
    return outcome


# MARK: Signals

LONG = (
    ("a run", "fid --ref {ref} --ckpt {ckpt} --num 64 --unit 8 --steps 8 --threads 2 --quiet --run {out}/run --out {out}/a.json"),
    ("a sweep", "sweep {ckpt} --ref {ref} --num 64 --steps 8 --threads 2 --quiet --out {out}/sweep"),
    ("samples", "sample --ckpt {ckpt} --num 64 --steps 8 --threads 2 --quiet --out {out}/a.npz --raw-out {out}/a.npy"),
    ("a result", "fid --ref {ref} --ckpt {ckpt} --num 64 --steps 8 --threads 2 --quiet --out {out}/a.json --save-images {out}/a.zip"),
)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def signals(study):
    """A signal at a random moment."""
    numbers = SIGNALS[::2][:2] if study.quick else SIGNALS
    return interrupt(study, [(number,) for number in numbers], times=1 if study.quick else 4)


def two_signals(study):
    """Two signals quickly after each other."""
    pairs = [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)]
    return interrupt(study, pairs, times=3)


def interrupt(study, sets, times: int):
    from faults import RUN, SWEEP, Kind

    chance = random.Random(0)
    for name, command in LONG[:: 2 if study.quick else 1]:
        loop = study.loop_of(Kind(name, command, continues=f"{RUN} {SWEEP} sweep/runs/*/*"))
        begun = time.monotonic()
        study.place.put({})
        run(study.place, command, limit=120)
        length = time.monotonic() - begun
        # Only runs and sweeps save their progress. Other commands end by the signal, as programs do, and say
        # nothing of SIGUSR1 and SIGUSR2.
        keeps = name not in ("samples", "a result")
        own = set() if keeps else {signal.SIGUSR1, signal.SIGUSR2}
        for numbers in [numbers for numbers in sets if not own & set(numbers)]:
            for _ in range(times):
                outcome = signalled(study.place, command, numbers, chance, length)
                names = " and ".join(signal.Signals(number).name for number in numbers)
                example = f"{name}, {names} {outcome.hit}: exit {outcome.status}, {outcome.first_line[:120]}"
                study.row.kills += 1
                study.row.check(not outcome.timed_out, f"{names}: does not end", example)
                tree = study.place.tree()
                # The signal may come when the command has just written everything.
                expected = {75} if keeps else {-number for number in numbers}
                is_right = outcome.status in expected or (outcome.status == 0 and loop.same(tree, loop.new))
                says = f"{names} during {name}: exit status {outcome.status}, expected {expected}"
                study.row.check(is_right, says, example)
                loop.check_tree(tree, True, example)
                loop.check_again(example)
    return study.row


def signalled(place, command: str, numbers, chance: random.Random, length: float):
    """Sends the signals at a random moment of the work; earlier, if the command had ended by then."""
    for part in (0.8, 0.4, 0.2, 0.1, 0.05):
        place.put({})
        outcome = signalled_once(place, command, numbers, chance, part * length)
        if outcome.hit:
            break
    return outcome


def signalled_once(place, command: str, numbers, chance: random.Random, longest: float):
    """The outcome has no `hit` if the command ended before the first signal."""
    arguments, environment = place.command(command)
    with subprocess.Popen(
        arguments, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        started = time.monotonic()
        # Before the program has begun, it cannot do anything about a signal.
        while process.poll() is None and not catches(process.pid, signal.SIGTERM) and time.monotonic() < started + 5:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, longest))
        after = f"after {time.monotonic() - started:.3f} s" if process.poll() is None else ""
        for number in numbers:
            process.send_signal(number)
            time.sleep(chance.uniform(0, 0.03))
        try:
            message = process.communicate(timeout=SOON)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            message = process.communicate()[1]
            return tracer.Outcome(-9, True, hit=after)
    return tracer.Outcome(process.returncode, message=message.decode(errors="replace"), hit=after)


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler of a signal."""
    with contextlib.suppress(OSError):
        mask = re.search(r"SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())
        return bool(mask and int(mask[1], 16) >> (number - 1) & 1)
    return False


# MARK: Locks


def held_locks(study):
    """A lock that another process holds: the message says which process on which host."""
    from faults import RUN, SWEEP, Kind

    for name, command in LONG[:2]:
        loop = study.loop_of(Kind(name, command, continues=f"{RUN} {SWEEP} sweep/runs/*/*"))
        study.place.put({})
        with stopped(study.place, command.replace(" --quiet", "")) as holder:
            outcome = run(study.place, command.replace(" --quiet", ""), limit=8)
            check_names_holder(study, f"{name} that pid {holder.pid} works on", outcome, holder.pid)
            holder.send_signal(signal.SIGCONT)
            holder.wait(60)
        study.row.check(holder.returncode == 0, "the holder does not end well", f"{name}: exit {holder.returncode}")
        loop.check_again(f"{name}, after the holder has ended")
    part = study.place.output / "cache/dis-eval/stats/cifar10-edm.npz.part"
    study.place.put({})
    part.parent.mkdir(parents=True)
    with part.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        outcome = run(study.place, "stats fetch cifar10-edm --from {server}/large.npz")
        study.row.check(outcome.status == 73, "a held download: exit status, expected 73", f"{outcome.status}")
        check_names_holder(study, "a download", outcome, os.getpid())
    return study.row


def check_names_holder(study, what: str, outcome, pid: int):
    example = f"{what}: exit {outcome.status}{', still waiting' if outcome.timed_out else ''}, {outcome.message[-200:]!r}"
    study.row.failed_calls += 1
    study.row.check(re.search(rf"\b{pid}\b", outcome.message) is not None, "the message does not say which process", example)
    study.row.check(socket.gethostname() in outcome.message, "the message does not say which host", example)


@contextlib.contextmanager
def stopped(place, command: str):
    """A process of the command that has claimed work and stands still."""
    arguments, environment = place.command(command)
    with subprocess.Popen(
        arguments, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not any(place.output.rglob("units/*")) and not holds_lock(process.pid):
            time.sleep(0.01)
        time.sleep(0.1)
        process.send_signal(signal.SIGSTOP)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)


def holds_lock(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return any(
            "lock:" in (Path(f"/proc/{pid}/fdinfo") / name).read_text() for name in os.listdir(f"/proc/{pid}/fdinfo")
        )
    return False


# MARK: The environment

ENVIRONMENTS = (
    ("no HOME", (("HOME", None), ("XDG_CACHE_HOME", None))),
    ("HOME is not there", (("HOME", "/nonexistent"), ("XDG_CACHE_HOME", None))),
    ("TMPDIR is not there", (("TMPDIR", "/nonexistent"),)),
    ("TMPDIR is empty", (("TMPDIR", ""),)),
    ("other language", (("LC_ALL", "de_DE.UTF-8"), ("LANG", "C"), ("TZ", ":Odd/Zone"))),
)


def environment(study):
    """HOME, TMPDIR, language and time zone."""
    for loop in study.loops(*(("result",) if study.quick else ("result", "new run", "statistics", "files of the gate", "exported .csv"))):
        for name, changes in ENVIRONMENTS:
            study.place.put(loop.old)
            outcome = run(study.place, loop.kind.command, changes=changes)
            study.judge(loop, outcome, {73}, name)
    for command in ("weights list", "stats list", "weights verify", "presets"):
        for name, changes in ENVIRONMENTS[:2]:
            outcome = run(study.place, command, changes=changes)
            normal = run(study.place, command)
            example = f"{command}, {name}: exit {outcome.status}, {outcome.first_line[:160]}"
            study.row.failed_calls += 1
            study.row.check(outcome.status == normal.status, f"{name}: exit status differs", example)
    return study.row


# MARK: With root


def full_disk(study):
    """A full disk."""
    for loop in study.loops():
        growth = sum(map(len, loop.new.values())) - sum(map(len, loop.old.values()))
        for free in (0, 4096, max(0, growth) // 2):
            study.place.put({})
            with mounted(study.place, "size=1m"):
                study.place.put(loop.old)
                filler = study.place.output / "filler"
                fill(filler, free)
                outcome = run(study.place, loop.kind.command, limit=120)
                filler.unlink()
                tree = study.place.tree()
            study.place.put(tree)
            study.judge(loop, outcome, {73, 74}, f"{free} bytes free on the disk")
    return study.row


def read_only(study):
    """A read-only disk."""
    for loop in study.loops():
        study.place.put({})
        with mounted(study.place, "size=64m"):
            study.place.put(loop.old)
            mount("-o", "remount,ro", study.place.output)
            outcome = run(study.place, loop.kind.command, limit=120)
            tree = study.place.tree()
        study.place.put(tree)
        study.judge(loop, outcome, {73}, "read-only")
    return study.row


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def mounted(place, options: str):
    """A small file system in memory as the folder of outputs."""
    mount("-t", "tmpfs", "-o", options, "tmpfs", place.output)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place.output)], check=True)


def fill(path: Path, free: int):
    """Writes a file that leaves `free` bytes on its disk, in whole blocks."""
    with path.open("wb", 0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
    os.truncate(path, max(0, path.stat().st_size - free // 4096 * 4096))


CLOCKS = ("+3650d", "-10000d", "@2030-01-01 00:00:00 i-1.0")


def clock(study):
    """A clock that is years ahead, years behind, or goes back by a second whenever it is read."""
    for loop in study.loops("result", "new run", "sweep", "results of several seeds"):
        for time_of_day in CLOCKS:
            study.place.put(loop.old)
            outcome = run(
                study.place,
                loop.kind.command,
                front=("faketime", "-m", "-f", time_of_day),
                changes=[("FAKETIME_DONT_FAKE_MONOTONIC", "1")],
            )
            study.judge(loop, outcome, set(), f"clock {time_of_day}")
            negative = [name for name, text in study.place.tree().items() if re.search(rb'"seconds" ?: ?-', text)]
            study.row.check(not negative, "negative seconds", f"{loop.kind.name}, clock {time_of_day}: {negative}")
    return study.row


MEMORY = (failed_allocations, address_space)
ANYWHERE = (file_size, descriptors, standard_output, signals, environment)
WITH_ALL = (two_signals, held_locks, clock, full_disk, read_only)
