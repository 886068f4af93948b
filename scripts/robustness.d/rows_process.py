"""Runs, signals, limits of the system, surroundings, outputs, and the gate's documents."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

from builders import SAMPLE, grey, plain, safetensors, state
from rows_statistics import GOOD
from runner import Row, described

SMALL = {"small.safetensors": safetensors(state())}
FID = "fid --ckpt small.safetensors --ref {statistics} --num 40 --steps 2 --no-intervals"
RUN = FID + " --run run --unit 8"
PICTURES = {"pictures/0.png": plain(grey()), "pictures/1.png": plain(grey()[::-1])}


def ordered(id, what, answer, steps, files=None, **options):
    """A row of several steps."""
    return Row(id, what, SMALL if files is None else files, "", 0, steps=steps, answer=answer, **options)


def result(outcome) -> dict:
    """What must be the same whenever results should agree."""
    document = json.loads(outcome.output)
    return {key: document[key] for key in ("metrics", "provenance", "samples_sha256")}


def units(bench) -> list[Path]:
    return sorted((bench.folder / "run/units").glob("*-*.safetensors"))


# Runs ---------------------------------------------------------------------------------------------


def working_together(bench):
    expected = result(bench.expect(FID + " --json"))
    processes = [bench.start(RUN + " --json") for _ in range(2)]
    for process in processes:
        outcome = bench.end(process)
        assert outcome.status == 0, described(outcome, RUN)
        assert result(outcome) == expected, "a worker's result differs from that of one process"


def other_setting(option, value):
    def steps(bench):
        bench.expect(RUN)
        before = {unit: unit.read_bytes() for unit in units(bench)}
        outcome = bench.expect(f"{RUN} {option} {value}", 73, "OtherConfiguration")
        assert value in outcome.error, f"the message does not say {value!r}: {outcome.error}"
        assert before == {unit: unit.read_bytes() for unit in units(bench)}, "the units changed"

    return steps


def other_checkpoint(bench):
    bench.expect(RUN)
    (bench.folder / "small.safetensors").write_bytes(safetensors(state(norm_f__weight=2 * state()["norm_f.weight"])))
    bench.expect(RUN, 73, "OtherConfiguration")


def merged(damage):
    """After damage to one unit, merge must refuse the run."""

    def steps(bench):
        bench.expect(RUN)
        damage(bench, units(bench)[1])
        bench.expect("merge run", 65)

    return steps


def repaired(damage):
    """After damage to one unit, the same command must compute it again."""

    def steps(bench):
        expected = result(bench.expect(RUN + " --json"))
        damage(bench, units(bench)[1])
        outcome = bench.expect(RUN + " --json")
        assert result(outcome) == expected, "the result differs from that of an undamaged run"
        assert result(bench.expect("merge run --json --no-intervals")) == expected, "merge gives a different result"

    return steps


def flip(_, unit):
    content = bytearray(unit.read_bytes())
    content[-100] ^= 1
    unit.write_bytes(content)


def cut(_, unit):
    unit.write_bytes(unit.read_bytes()[:-50])


def empty(_, unit):
    unit.write_bytes(b"")


def of_another_run(bench, unit):
    bench.expect(RUN.replace("--run run", "--run other") + " --seed 1")
    shutil.copy(bench.folder / "other/units" / unit.name, unit)


def belongs_elsewhere(bench):
    """A valid unit of other samples is no damage: it is refused by the run and by merge, and stays."""
    bench.expect(RUN)
    unit = units(bench)[1]
    of_another_run(bench, unit)
    content = unit.read_bytes()
    bench.expect(RUN, 73, "OtherConfiguration")
    bench.expect("merge run", 73, "OtherConfiguration")
    assert unit.read_bytes() == content, "the unit was changed"


def under_another_name(bench, unit):
    shutil.copy(units(bench)[0], unit)


def extra_file(bench):
    expected = result(bench.expect(RUN + " --json"))
    other = bench.folder / "run/units/notes.txt"
    other.write_text("not a unit")
    assert result(bench.expect(RUN + " --json")) == expected, "the result changed"
    assert other.exists(), "a file that is not dis-eval's was removed"


def gap(bench):
    bench.expect(RUN)
    units(bench)[1].unlink()
    outcome = bench.expect("merge run", 65, "RunIncomplete")
    assert "8" in outcome.error and "15" in outcome.error, f"the message does not name samples 8 to 15: {outcome.error}"
    document = json.loads(bench.expect("merge run --partial --json --no-intervals").output)
    assert document["provenance"]["num"] == 32, "the result does not say that there are 32 samples"


def overlap(bench):
    bench.expect(RUN)
    bench.expect(RUN.replace("--run run", "--run other").replace("--unit 8", "--unit 4"))
    shutil.copy(bench.folder / "other/units/000004-4.safetensors", bench.folder / "run/units/000004-4.safetensors")
    bench.expect("merge run")


def not_a_run(content):
    def steps(bench):
        bench.expect(RUN)
        path = bench.folder / "run/run.json"
        path.write_bytes(content(path.read_bytes()))
        for command, status in ((RUN, (65, 73)), ("merge run", (65,)), ("inspect run", (65,))):
            outcome = bench.run(command)
            assert outcome.status in status, described(outcome, command)

    return steps


def runs():
    yield ordered("J9-together", "two processes on one run", "both exit with 0 and the same result", working_together)
    yield ordered("J10-seed", "a run with another seed", "73 `OtherConfiguration`", other_setting("--seed", "5"))
    yield ordered(
        "J10-steps", "a run with another number of steps", "73 `OtherConfiguration`", other_setting("--steps", "3")
    )
    yield ordered("J10-checkpoint", "a run whose checkpoint was replaced", "73 `OtherConfiguration`", other_checkpoint)
    for name, what, damage in [
        ("flipped", "with a changed bit", flip),
        ("cut", "cut short", cut),
        ("empty", "of 0 bytes", empty),
        ("other-name", "under another name", under_another_name),
    ]:
        yield ordered(f"J12-{name}", f"a unit {what}", "computed again", repaired(damage))
        yield ordered(f"J12-{name}-merge", f"a unit {what}, for merge", "65", merged(damage))
    yield ordered("J12-other-run", "a unit of another run", "73 `OtherConfiguration`", belongs_elsewhere)
    yield ordered("J12-extra", "a file among the units that is not a unit", "left alone", extra_file)
    yield ordered("J13-gap", "a missing unit, for merge", "65 `RunIncomplete`; `--partial` scores the others", gap)
    yield ordered("J13-overlap", "two units of one run that overlap, for merge", "0, because their samples are the same", overlap)
    yield ordered("J13-text", "a run.json that is not JSON", "65", not_a_run(lambda _: b"{"))
    yield ordered("J13-empty", "an empty run.json", "65", not_a_run(lambda _: b""))
    yield ordered(
        "J13-version",
        "a run.json of an unknown version",
        "65",
        not_a_run(lambda old: old.replace(b"dis-eval-run/1", b"dis-eval-run/9")),
    )
    yield Row("J13-no-run", "a folder without a run", PICTURES, "merge pictures", 66, "NotARun", names="pictures")


# Signals and time -----------------------------------------------------------------------------------

LONG = RUN.replace("--steps 2", "--steps 250").replace("--num 40", "--num 64").replace("--unit 8", "--unit 4")


def wait_for_a_unit(bench, process):
    end = time.monotonic() + 60
    while not units(bench):
        assert process.poll() is None, "the run ended before its first unit"
        assert time.monotonic() < end, "no unit was written within 60 s"
        time.sleep(0.02)


def interrupted(*signals):
    def steps(bench):
        expected = result(bench.expect(LONG.replace("--run run", "--run other") + " --json"))
        process = bench.start(LONG)
        wait_for_a_unit(bench, process)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.05)
        outcome = bench.end(process, 20)
        assert outcome.status == 75, described(outcome, LONG)
        assert len(units(bench)) < 16, "the run was not interrupted"
        assert result(bench.expect(LONG + " --json")) == expected, "the continued run has a different result"

    return steps


def stopped(bench):
    expected = result(bench.expect(LONG.replace("--run run", "--run other") + " --json"))
    process = bench.start(LONG + " --json")
    wait_for_a_unit(bench, process)
    process.send_signal(signal.SIGSTOP)
    time.sleep(20)
    process.send_signal(signal.SIGCONT)
    outcome = bench.end(process, 60)
    assert outcome.status == 0, described(outcome, LONG)
    assert result(outcome) == expected, "the result changed"


def not_mapped(bench):
    """A file that is mapped into memory ends the process when it is cut short, with SIGBUS."""
    process = bench.start(LONG.replace("--run run", "--run other"))
    maps = Path(f"/proc/{process.pid}/maps")
    mapped, end = set(), time.monotonic() + 10
    while process.poll() is None and time.monotonic() < end:
        try:
            mapped |= {line.split(maxsplit=5)[5].strip() for line in maps.read_text().splitlines() if "/" in line}
        except OSError:
            break
        time.sleep(0.02)
    process.kill()
    bench.end(process)
    assert any(path.endswith("dis-eval") for path in mapped), "the program was not seen"
    inputs = [path for path in mapped if path.endswith((".safetensors", ".npz", ".json"))]
    assert not inputs, f"mapped into memory: {', '.join(inputs)}"


def sample_ended(bench):
    """A command without a run has nothing to save, and leaves nothing behind."""
    before = set(os.listdir(bench.folder))
    process = bench.start("sample --ckpt small.safetensors --num 4000 --steps 250 --raw-out samples.npy")
    time.sleep(2)
    process.terminate()
    bench.end(process, 20)
    left = set(os.listdir(bench.folder)) - before
    assert not left, f"left behind: {', '.join(left)}"


def another_time(offset):
    def steps(bench):
        expected = result(bench.expect(LONG.replace("--run run", "--run other") + " --json"))
        process = bench.start(LONG)
        wait_for_a_unit(bench, process)
        process.send_signal(signal.SIGTERM)
        bench.end(process, 20)
        outcome = bench.expect(f'faketime "{offset}" "$DIS_EVAL" {LONG} --json', shell=True)
        assert result(outcome) == expected, "the result changed"
        seconds = json.loads(outcome.output)["run"]["seconds"]
        assert 0 <= seconds < 600, f"{seconds} s are said to have passed"

    return steps


def signals():
    for name in "TERM", "INT", "USR1", "USR2":
        yield ordered(
            f"J7-{name}",
            f"SIG{name} during a run",
            "75; the same command continues it",
            interrupted(getattr(signal, f"SIG{name}")),
            slow=True,
            seconds=20,
        )
    yield ordered(
        "J7-HUP",
        "SIGHUP during a run",
        "75; the same command continues it",
        interrupted(signal.SIGHUP),
        slow=True,
        seconds=20,
    )
    yield ordered(
        "J7-twice", "SIGINT twice", "75 at once", interrupted(signal.SIGINT, signal.SIGINT), slow=True, seconds=20
    )
    yield ordered("J7-sample", "SIGTERM during sample", "no file is left", sample_ended, slow=True)
    yield ordered(
        "E35-mapped",
        "a file that is cut short while it is read, which would end a process that had mapped it into memory",
        "no input is mapped",
        not_mapped,
        slow=True,
    )
    yield ordered("J8-stopped", "a run that is stopped for 20 s", "the same result", stopped, slow=True, seconds=20)
    for name, offset in ("later", "+10 years"), ("earlier", "-1 day"):
        yield ordered(
            f"J14-{name}",
            f"a run that is continued at another time: {offset}",
            "the same result",
            another_time(offset),
            slow=True,
            seconds=20,
            needs=("faketime",),
        )


# Limits, surroundings, outputs ------------------------------------------------------------------------


def finite_number(_, outcome):
    value = json.loads(outcome.output)["metrics"]["fd"]["value"]
    return "" if value > 0 else f"fd is {value}"


def limits():
    sample = SAMPLE.format(file="small.safetensors")
    shell = lambda prefix, command, suffix="": f'{prefix} "$DIS_EVAL" {command}{suffix}'
    yield Row(
        "J2-file-size",
        "a limit on the size of files",
        SMALL,
        shell("ulimit -f 4; exec", sample),
        74,
        "DiskFull",
        names="samples.npy",
        shell=True,
    )
    yield Row("J17-count", "4 * 10^12 samples", SMALL, FID.replace("--num 40", "--num 4000000000000"), 64, names="")
    yield Row(
        "J17-batch",
        "a batch of 4 * 10^12",
        SMALL,
        sample + " --batch 4000000000000",
        64,
        names="",
        note="more than the option allows",
    )
    for kilobytes in 200_000, 400_000:
        yield Row(
            f"J18-{kilobytes // 1000}",
            f"{kilobytes // 1000} MB of addresses",
            SMALL,
            shell(f"ulimit -v {kilobytes}; exec", sample),
            71,
            "OutOfMemory",
            names="",
            shell=True,
        )
    yield Row(
        "J18-fid",
        "400 MB of addresses, with an extractor",
        SMALL,
        shell("ulimit -v 400000; exec", FID),
        71,
        "OutOfMemory",
        names="",
        shell=True,
    )
    yield Row("J21-files", "16 open files", SMALL, shell("ulimit -n 16; exec", FID), 0, shell=True)
    yield Row("J21-one-core", "one processor", SMALL, shell("exec taskset 1", FID), 0, shell=True)
    yield Row("J21-no-threads", "0 threads", SMALL, sample + " --threads 0", 64, names="--threads")
    yield Row("J21-many-threads", "10,000 threads", SMALL, sample + " --threads 10000", 64, names="--threads")


def surroundings():
    json_fid = FID + " --json"
    shell = lambda command, suffix: f'"$DIS_EVAL" {command}{suffix}'
    inspect = "inspect small.safetensors"
    yield Row(
        "J19-closed",
        "standard output that is closed",
        SMALL,
        shell(inspect, " >&-"),
        74,
        "OutputLost",
        shell=True,
        names="",
    )
    yield Row(
        "J19-full",
        "standard output on a full disk",
        SMALL,
        shell(inspect, " > /dev/full"),
        74,
        "OutputLost",
        shell=True,
        names="",
    )
    yield Row(
        "J19-fid-full",
        "a result for standard output on a full disk",
        SMALL,
        shell(json_fid, " > /dev/full"),
        74,
        "OutputLost",
        shell=True,
        names="",
    )
    yield Row(
        "J19-help-full",
        "help for standard output on a full disk",
        SMALL,
        shell("--help", " > /dev/full"),
        74,
        shell=True,
        names="",
    )
    yield Row(
        "J19-head",
        "a pipe whose reader ends early",
        SMALL,
        "{ " + shell(inspect, " --tensors; echo $? >&2") + "; } | head -1 > /dev/null",
        0,
        shell=True,
        check=lambda _, outcome: "" if outcome.errors.split()[-1] in ("0", "74") else outcome.errors,
    )
    yield Row("J19-errors-closed", "standard error that is closed", SMALL, shell(inspect, " 2>&-"), 0, shell=True)
    for id, what, environment in [
        ("J20-home", "no HOME", {"HOME": None}),
        ("J20-home-missing", "a HOME that is not there", {"HOME": "/nowhere"}),
        ("J20-tmpdir", "a TMPDIR that is not there", {"TMPDIR": "/nowhere"}),
        ("J20-language", "LANG=C", {"LANG": "C", "LC_ALL": "C"}),
        ("J20-zone", "an unknown time zone", {"TZ": "No/Where:x+99"}),
        ("J20-decimal", "a language with a decimal comma", {"LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"}),
        ("J20-nothing", "no environment but the path", {key: None for key in ("HOME", "TMPDIR", "LANG")}),
    ]:
        yield Row(id, what, SMALL, json_fid, 0, check=finite_number, environment=environment)
    yield Row(
        "J20-tmpdir-intervals",
        "a TMPDIR that is not there, with intervals, which are left out with a reason",
        SMALL,
        json_fid.replace(" --no-intervals", ""),
        0,
        says=("interval_reason",),
        environment={"TMPDIR": "/nowhere"},
    )
    extractor = "features --images pictures --out features.npz"
    yield Row(
        "J15-weights",
        "no weights of Inception: the message says which file, its hash and where to put it",
        PICTURES,
        extractor,
        69,
        "WeightsUnavailable",
        names="inception-2015-12-05.safetensors",
        says=(
            "pt_inception-2015-12-05-6726825d.pth",
            "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        ),
    )
    for id, what, content, fault in [
        ("empty", "an empty file", b"", "NotACheckpoint"),
        ("text", "text", b"weights", "UnknownContainer"),
        ("cut", "a file cut short", safetensors(state())[:-9], "SafetensorsMalformed"),
        ("other", "another model", safetensors(state()), "NotAnExtractor"),
    ]:
        files = {**PICTURES, "cache/dis-eval/inception-2015-12-05.safetensors": content}
        yield Row(
            f"J16-{id}",
            f"{what} in the cache instead of the weights, which is left there",
            files,
            extractor,
            65,
            fault,
            names="inception-2015-12-05.safetensors",
            environment={"XDG_CACHE_HOME": "{folder}/cache"},
        )
    yield Row(
        "J16-incomplete",
        "a download that was not finished",
        {**PICTURES, "cache/dis-eval/inception-2015-12-05.safetensors.incomplete": b"x"},
        extractor,
        69,
        "WeightsUnavailable",
        names="inception-2015-12-05.safetensors",
        environment={"XDG_CACHE_HOME": "{folder}/cache"},
    )


def permissions():
    def unreadable(folder):
        (folder / "pictures").mkdir()
        for name in "0.png", "1.png":
            (folder / "pictures" / name).write_bytes(plain(grey()))
        (folder / "pictures/1.png").chmod(0)

    def unreadable_folder(folder):
        (folder / "pictures").mkdir(mode=0o000)

    def unwritable(folder):
        (folder / "small.safetensors").write_bytes(SMALL["small.safetensors"])
        (folder / "out").mkdir()
        (folder / "out").chmod(0o555)

    features = "features --images pictures --weights {extractor} --out features.npz"
    yield Row(
        "I22-file",
        "an image without permission",
        unreadable,
        features,
        77,
        "PermissionDenied",
        names="1.png",
        unprivileged=True,
    )
    yield Row(
        "I22-folder",
        "a folder without permission",
        unreadable_folder,
        features,
        77,
        "PermissionDenied",
        names="pictures",
        unprivileged=True,
    )
    sample = "sample --ckpt small.safetensors --num 2 --steps 2"
    for name, options in [
        ("sample", sample + " --raw-out out/samples.npy"),
        ("images", sample + " --out out/samples"),
        ("run", FID + " --run out/run"),
        ("result", FID + " --out out/result.json"),
    ]:
        yield Row(
            f"J3-{name}",
            f"a folder without permission to write, for {name}",
            unwritable,
            options,
            73,
            "CannotCreate",
            names="out",
            unprivileged=True,
        )


def outputs():
    sample = "sample --ckpt small.safetensors --num 2 --steps 2"
    taken = {**SMALL, "taken": b"kept"}
    yield Row(
        "J22-file",
        "a file where a folder is to be made",
        taken,
        sample + " --out taken",
        73,
        "CannotCreate",
        names="taken",
    )
    yield Row(
        "J22-below-file",
        "an output below a file",
        taken,
        sample + " --raw-out taken/samples.npy",
        73,
        "CannotCreate",
        names="taken",
    )
    yield Row(
        "J22-folder",
        "a folder where a file is to be written",
        {**SMALL, "taken/x": b"kept"},
        sample + " --raw-out taken",
        73,
        "CannotCreate",
        names="taken",
    )
    yield Row(
        "J22-not-empty",
        "a folder that is not empty",
        {**SMALL, "taken/x": b"kept"},
        sample + " --out taken",
        73,
        "NotEmpty",
        names="taken",
    )
    yield Row(
        "J22-unfinished",
        "a folder that a killed process left unfinished, with files that are not its own",
        {**SMALL, "taken/000000.png": b"", "taken/.dis-eval-unfinished": b"", "taken/x": b"kept"},
        sample + " --out taken",
        73,
        "NotEmpty",
        names="taken",
    )
    yield Row(
        "J22-nowhere",
        "a folder that is not there",
        SMALL,
        sample + " --raw-out nowhere/samples.npy",
        73,
        "CannotCreate",
        names="nowhere",
    )
    yield Row(
        "J22-input",
        "features for a file inside the folder of images",
        PICTURES,
        "features --images pictures --weights {extractor} --out pictures/features.npz",
        64,
        names="pictures",
    )

    def linked(folder):
        (folder / "small.safetensors").write_bytes(SMALL["small.safetensors"])
        (folder / "kept").write_bytes(b"kept")
        (folder / "samples.npy").symlink_to("kept")

    yield Row(
        "J22-link",
        "an output that is a link to another file, which is replaced as the link says",
        linked,
        sample + " --raw-out samples.npy",
        0,
        names="",
        writes=("kept",),
    )
    yield Row(
        "J22-own-input",
        "the checkpoint as output",
        SMALL,
        sample + " --raw-out small.safetensors",
        64,
        names="small.safetensors",
    )
    yield Row(
        "A25-folder",
        "a folder of samples for a checkpoint that is refused, which is not made",
        {"bad.pt": b"x"},
        "sample --ckpt bad.pt --num 2 --steps 2 --out samples",
        65,
        "UnknownContainer",
    )


# The gate -------------------------------------------------------------------------------------------


def judged(id, what, change, options, status, fault, *says):
    """A row for the gate: `change` gets the document of a result and returns the content of other.json or other.yml."""

    def steps(bench):
        document = bench.expect(FID.replace(" --no-intervals", "") + " --json").output
        (bench.folder / "result.json").write_text(document)
        content = change(document) if callable(change) else change
        (bench.folder / "other").write_bytes(content if isinstance(content, bytes) else content.encode())
        outcome = bench.expect(f"gate {options}", status, fault)
        missing = [text for text in says if text not in outcome.output + outcome.errors]
        assert not missing, f"does not say {missing[0]!r}: {outcome.errors}"
        assert status in (0, 3) or "other" in outcome.error, f"the message does not name the file: {outcome.error}"

    return ordered(id, what, f"{status} `{fault}`" if fault else str(status), steps)


def undecided(id, what, fid, options):
    """A row for a result that the gate must neither pass nor call worse."""

    def steps(bench):
        (bench.folder / "result.json").write_text(bench.expect(fid + " --json").output)
        (bench.folder / "policy.yml").write_text("schema: dis-eval-policy/1\nmin_samples: 41\n")
        bench.expect(f"gate result.json {options}", 3)

    return ordered(
        id, what, "3", steps, {**SMALL, "good.npz": GOOD, **{f"pictures/{i}.png": plain(grey()) for i in range(130)}}
    )


def optioned(options, status):
    """Options of the gate, for a result that is in order."""

    def steps(bench):
        (bench.folder / "result.json").write_text(bench.expect(FID + " --json").output)
        bench.expect(f"gate result.json {options}", status)

    return steps


def edited(change):
    def apply(document):
        value = json.loads(document)
        change(value)
        return json.dumps(value)

    return apply


def with_metric(name, **fields):
    return edited(lambda value: value["metrics"].setdefault(name, {}).update(fields))


def gates():
    broken = [
        ("bom", "a byte order mark", lambda text: b"\xef\xbb\xbf" + text.encode()),
        ("nan", "NaN", lambda text: text.replace('"value" : ', '"value" : NaN, "was" : ', 1)),
        ("version", "an unknown version", lambda text: text.replace("dis-eval-result/", "dis-eval-result/9")),
        ("text", "text", "not JSON"),
        ("empty", "nothing", ""),
        ("array", "an array", "[]"),
        ("deep", "100,000 arrays inside each other", "[" * 100_000),
        ("duplicate", "a key twice", lambda text: text.replace('"metrics" :', '"metrics" : {}, "metrics" :', 1)),
        ("cut", "a document cut short", lambda text: text[:-100]),
        ("negative", "a negative distance", with_metric("fd", value=-1)),
        ("text-value", "a value that is text", with_metric("fd", value="1")),
        ("no-metrics", "no metrics", edited(lambda value: value.pop("metrics"))),
        (
            "huge",
            "a number of 400 digits",
            lambda text: text.replace('"value" : ', '"value" : 1' + "0" * 400 + ', "was" : ', 1),
        ),
    ]
    for name, what, change in broken:
        yield judged(
            f"J23-baseline-{name}", f"a baseline: {what}", change, "result.json --baseline other", 78, "BaselineInvalid"
        )
        yield judged(f"J23-result-{name}", f"a result: {what}", change, "other --max fd=1e9", 65, "ResultInvalid")
    yield judged(
        "J23-metric-missing",
        "a baseline without the metric that is compared",
        edited(lambda value: value["metrics"].pop("fd")),
        "result.json --baseline other --metrics fd",
        3,
        "",
    )
    head = "schema: dis-eval-policy/1\n"
    for name, what, text, *says in [
        ("tolerance", "a tolerance of -1", head + "tolerance: -1\n", "tolerance"),
        ("nan", "a tolerance of NaN", head + "tolerance: .nan\n", "tolerance"),
        ("infinity", "a maximum of infinity", head + "metrics:\n  fd: {max: .inf}\n", "max"),
        ("order", "a minimum above the maximum", head + "metrics:\n  fd: {min: 2, max: 1}\n", "min"),
        ("unknown", "an unknown key", head + "colour: red\n", "colour"),
        ("unknown-rule", "an unknown rule", head + "metrics:\n  fd: {most: 1}\n", "most"),
        ("duplicate", "a key twice", head + "alpha: 0.05\nalpha: 0.1\n", "alpha"),
        ("alpha", "an alpha of 2", head + "alpha: 2\n", "alpha"),
        (
            "anchor",
            "an anchor",
            head + "metrics: &a\n  fd: {max: 1}\n",
        ),
        ("version", "an unknown version", "schema: dis-eval-policy/9\n", "dis-eval-policy/9"),
        ("no-version", "no version", "alpha: 0.05\n", "schema"),
        ("empty", "nothing", ""),
        ("tab", "tabs", head + "metrics:\n\tfd: {max: 1}\n"),
        ("deep", "10,000 lists inside each other", head + "metrics: " + "[" * 10_000 + "\n"),
        ("binary", "bytes that are not text", b"\xff\xfe\0"),
    ]:
        yield judged(f"J24-{name}", f"a policy: {what}", text, "result.json --policy other", 78, "PolicyInvalid", *says)
    scored = FID.replace(" --no-intervals", "")
    images = "fid --images pictures --ref {statistics}"
    yield undecided("G11-gate", "fewer samples than dimensions", scored, "--max fd=1e9")
    yield undecided(
        "G12-gate", "statistics of an unknown extractor", "fid --images good.npz --ref good.npz", "--max fd=1e9"
    )
    yield undecided("G14-gate", "fewer samples than the policy requires", scored, "--policy policy.yml --max cs=1e9")
    yield undecided("I25-gate", "copies of one image", images, "--max fd=1e9")
    for name, options, status in [
        ("nan", "--max fd=nan", 64),
        ("text", "--max fd=x", 64),
        ("metric", "--max unknown=1", 3),
        ("order", "--min fd=2 --max fd=1", 78),
    ]:
        yield ordered(f"J24-option-{name}", f"`{options}`", str(status), optioned(options, status))


SECTIONS = [
    ("Runs", "", list(runs())),
    ("Signals and time", "", list(signals())),
    ("Limits of the system", "", [*limits(), *permissions()]),
    ("Surroundings", "", list(surroundings())),
    ("Outputs", "", list(outputs())),
    ("The gate's documents", "", list(gates())),
]
