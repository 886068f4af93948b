"""Finds the program dis-eval and runs its commands."""

from __future__ import annotations

import codecs
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from typing import IO, Any, List, Mapping, Optional, Sequence, Union

from ._result import Result

Path = Union[str, "os.PathLike[str]"]

# Options whose value is a list with commas.
_COMMAS = {"cfg_interval", "metrics", "respacing"}
# Options that may be repeated. dis-eval takes only the last value of any other option.
_REPEATED = {"max", "min", "out", "tolerance"}
# Options that print something other than a result.
_REFUSED = {"json", "help", "version"}

# Codes of errors whose message does not begin with one.
_STATUSES = {
    64: "Usage",
    65: "DataRefused",
    66: "InputMissing",
    69: "Unavailable",
    70: "InternalError",
    71: "OutOfMemory",
    73: "CannotCreate",
    74: "InputOutput",
    75: "Interrupted",
    77: "PermissionDenied",
    78: "InvalidConfiguration",
}


class DisEvalError(Exception):
    """An error that dis-eval reports.

    `code` is the first word of the message, such as `NotFound`, or the name of the exit status if the
    message does not begin with a code, such as `Usage` for a wrong option. `exit_status` is the exit
    status of the program, from 64 to 78, or 128 and the number of the signal that ended it.
    """

    def __init__(self, code: str, exit_status: int, message: str) -> None:
        super().__init__(code, exit_status, message)
        self.code = code
        self.exit_status = exit_status
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} (exit status {self.exit_status})"


def program() -> str:
    """Returns the path of dis-eval: the environment variable DIS_EVAL, or the command of this package.

    Raises `DisEvalError` with the code `Unavailable` if it is not there.
    """
    chosen = os.environ.get("DIS_EVAL")
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise DisEvalError("Unavailable", 69, f"DIS_EVAL is '{chosen}', which is not a program")
        return found
    user = "posix_user" if os.name == "posix" else "nt_user"
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", scheme=user),
        # pip install --target puts the command into a folder beside the package.
        os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin"),
    ]
    for folder in folders:
        path = os.path.join(folder, "dis-eval")
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise DisEvalError(
        "Unavailable", 69, f"found no dis-eval in {', '.join(folders)}; set DIS_EVAL to its path"
    )


def run(command: str, *paths: Path, quiet: bool = False, **options: Any) -> Result:
    """Runs a command of dis-eval, such as `compare`, with --json, and returns what it prints.

    Each keyword argument is an option: `num=2000` is `--num 2000`, `cfg_scale=2` is `--cfg-scale 2`,
    True is the option alone, False is `--no-` with the name, and None leaves the option out. A list is
    one option with commas or the option several times, whichever dis-eval expects.

    Progress and warnings go to `sys.stderr`, unless `quiet` is true.

    Raises `DisEvalError` if the command fails. The verdicts of the gate, 1 and 3, are not failures.
    """
    arguments = [command, "--json"]
    if quiet:
        arguments.append("--quiet")
    for name, value in options.items():
        arguments += _option(name, value)
    # After --, a path that begins with a hyphen is not taken for an option.
    if paths:
        arguments += ["--", *(os.fspath(path) for path in paths)]

    process = subprocess.Popen(
        [program(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    errors: List[str] = []
    reader = threading.Thread(target=_copy, args=(process.stderr, errors, quiet), daemon=True)
    reader.start()
    try:
        output = process.stdout.read()
        status = process.wait()
    except BaseException as error:
        _end(process, isinstance(error, KeyboardInterrupt))
        raise
    finally:
        process.stdout.close()
    reader.join()
    return _result(arguments, status, output.decode("utf-8", "replace"), "".join(errors))


def _option(name: str, value: Any) -> List[str]:
    """Returns the arguments for one option."""
    if name in _REFUSED:
        raise ValueError(f"{name}: this module cannot pass --{name}; start dis-eval yourself")
    option = "--" + name.replace("_", "-")
    if value is None:
        return []
    if value is True:
        return [option]
    if value is False:
        return ["--no-" + option[2:]]
    if isinstance(value, Mapping):
        value = [f"{key}={number}" for key, number in value.items()]
    elif isinstance(value, (list, tuple)):
        value = [str(item) for item in value]
        if name in _COMMAS:
            value = ",".join(value)
    if isinstance(value, list):
        if name not in _REPEATED:
            raise ValueError(f"{name}: found {len(value)} values, but {option} takes one")
        return [f"{option}={item}" for item in value]
    return [f"{option}={os.fspath(value) if isinstance(value, os.PathLike) else value}"]


def _copy(source: IO[bytes], kept: List[str], quiet: bool) -> None:
    """Copies what a program writes to `sys.stderr`, and keeps it."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with source:
        while True:
            data = os.read(source.fileno(), 65536)
            text = decoder.decode(data, final=not data)
            kept.append(text)
            if text and not quiet:
                try:
                    sys.stderr.write(text)
                    sys.stderr.flush()
                except (AttributeError, OSError, ValueError):
                    quiet = True  # There is no standard error, or it is closed.
            if not data:
                return


def _end(process: subprocess.Popen[bytes], interrupted: bool) -> None:
    """Ends a program whose result is no longer wanted, after it has saved its run."""
    if interrupted:
        try:
            # Ctrl-C has also reached the program, for which a second signal means: at once.
            process.wait(30)
            return
        except subprocess.TimeoutExpired:
            pass
    process.send_signal(signal.SIGTERM)
    process.wait()


def _result(arguments: Sequence[str], status: int, output: str, errors: str) -> Result:
    if status in (0, 1, 3):
        document = _object(output)
        # Only the gate and rerun end with 1 or 3, and both then print their verdict.
        if document is not None:
            return Result(document, arguments=arguments, exit_status=status)
        raise DisEvalError(
            "InternalError", 70, f"dis-eval ended with {status}, but did not print a JSON object"
        )
    if status < 0:
        raise DisEvalError("Signal", 128 - status, f"dis-eval was ended by the signal {-status}")
    message = re.split(r"^(?:dis-eval: error|Error): ", errors, flags=re.M)[-1]
    message = message.split("\nUsage: ")[0].strip()
    code = re.match(r"([A-Z][A-Za-z0-9]*): ", message)
    raise DisEvalError(
        code.group(1) if code else _STATUSES.get(status, "Unknown"),
        status,
        message or f"dis-eval ended with {status}",
    )


def _object(text: str) -> Optional[dict[str, Any]]:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
