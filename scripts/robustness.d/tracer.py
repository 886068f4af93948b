"""Runs a command and lets one of its system calls fail, or kills the command there.

Linux on x86-64, without root. strace can do the same, but counts calls for each thread, and cannot choose the calls
that concern a folder: the first `openat` of a worker thread is then also the first one of the dynamic loader.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

# The calls that may fail, in groups: number of the call on x86-64, and the argument that says which file it concerns.
DESCRIPTOR, PATH = "descriptor", "path"
GROUPS = {
    "write": {1: (DESCRIPTOR, 0), 18: (DESCRIPTOR, 0), 20: (DESCRIPTOR, 0), 77: (DESCRIPTOR, 0), 285: (DESCRIPTOR, 0)},
    "fsync": {74: (DESCRIPTOR, 0), 75: (DESCRIPTOR, 0)},
    "close": {3: (DESCRIPTOR, 0)},
    "rename": {82: (PATH, 1), 264: (PATH, 3), 316: (PATH, 3), 86: (PATH, 1), 265: (PATH, 3)},
    "create": {2: (PATH, 0), 257: (PATH, 1), 85: (PATH, 0)},
    "mkdir": {83: (PATH, 0), 258: (PATH, 1)},
    "remove": {87: (PATH, 0), 263: (PATH, 1), 84: (PATH, 0)},
    "memory": {9: (None, 0), 12: (None, 0)},
}
OPEN, OPENAT, MMAP, BRK, SIGACTION = 2, 257, 9, 12, 13
O_CREAT, MAP_ANONYMOUS = 0o100, 0x20

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
TRACEME, CONT, GETREGS, SETREGS, SETOPTIONS = 0, 7, 12, 13, 0x4200
# Fork, vfork, clone, exec and seccomp stops; tracees die with this process.
OPTIONS = 0x2 | 0x4 | 0x8 | 0x10 | 0x80 | 0x100000
EVENT_SECCOMP = 7
WALL = 0x40000000


class Registers(ctypes.Structure):
    """`struct user_regs_struct`."""

    _fields_ = [
        (name, ctypes.c_ulonglong)
        for name in (
            "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base "
            "ds es fs gs"
        ).split()
    ]

    def argument(self, index: int) -> int:
        return (self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9)[index]


@dataclass(frozen=True)
class Fault:
    """The `nth` call (from 1) of the groups fails with `error`, or kills the process if `error` is empty."""

    groups: tuple[str, ...]
    nth: int
    error: str = ""
    persistent: bool = False

    def __str__(self) -> str:
        what = f"{self.error} at" if self.error else "SIGKILL at"
        return f"{what} {'/'.join(self.groups)} {self.nth}{'+' if self.persistent else ''}"


@dataclass
class Outcome:
    """What became of a command. `status` is negative for a signal, as in `subprocess`."""

    status: int = 0
    timed_out: bool = False
    output: bytes = b""
    message: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    hit: str = ""

    @property
    def first_line(self) -> str:
        lines = [line for line in self.message.splitlines() if line.strip()]
        return next((line for line in lines if "error" in line), lines[-1] if lines else "")


def is_supported() -> bool:
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def run(command, folders, scratch: Path, environment, fault: Fault | None = None, limit=60) -> Outcome:
    """Runs `command`; only calls that concern a file below one of the `folders` count.

    Standard output and standard error go to files in the folder `scratch`, which is none of them.
    """
    tracer = _Tracer([os.path.realpath(folder) for folder in folders], fault)
    return tracer.run(command, scratch, environment, limit)


class _Tracer:
    def __init__(self, folders: list[str], fault: Fault | None):
        self.folders, self.fault = folders, fault
        self.outcome, self.count, self.root = Outcome(), 0, 0
        self.groups = fault.groups if fault else tuple(group for group in GROUPS if group != "memory")
        self.started = "memory" not in self.groups
        numbers = {number for group in self.groups for number in GROUPS[group]}
        self.filter = _filter(numbers | (set() if self.started else {SIGACTION}))

    def run(self, command, scratch: Path, environment, limit: float) -> Outcome:
        output, message = scratch / "stdout", scratch / "stderr"
        self.root = self._start(command, output, message, environment)
        previous = signal.signal(signal.SIGALRM, self._too_long)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            self._follow()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        self.outcome.output = output.read_bytes()
        self.outcome.message = message.read_text(errors="replace")
        return self.outcome

    def _start(self, command, output: Path, message: Path, environment) -> int:
        arguments = [os.fspath(argument) for argument in command]
        pid = os.fork()
        if pid:
            return pid
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for descriptor, path in ((1, output), (2, message)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
            libc.ptrace(TRACEME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)
            libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, which a filter needs without root
            libc.prctl(22, 2, ctypes.byref(self.filter), 0, 0)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
            os.execve(arguments[0], arguments, environment)
        finally:
            os._exit(126)

    def _too_long(self, *_):
        self.outcome.timed_out = True
        os.kill(self.root, signal.SIGKILL)

    def _follow(self):
        """Lets the process and its children run until all have ended."""
        known, ended = set(), None
        while True:
            try:
                pid, status = os.waitpid(-1, WALL)
            except ChildProcessError:
                return
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                known.discard(pid)
                if pid == self.root:
                    self.outcome.status = os.waitstatus_to_exitcode(status)
                    self._end(known)
                continue
            number, event = os.WSTOPSIG(status), status >> 16
            if pid == self.root and not known:
                libc.ptrace(SETOPTIONS, pid, None, OPTIONS)
            is_new = pid not in known
            known.add(pid)
            if event == EVENT_SECCOMP:
                self._judge(pid)
            passed_on = 0 if event or number == signal.SIGTRAP or (is_new and number == signal.SIGSTOP) else number
            libc.ptrace(CONT, pid, None, passed_on)

    @staticmethod
    def _end(others: set[int]):
        """Ends the programs that the process had started, which would otherwise wait for it for ever."""
        for pid in others:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _judge(self, pid: int):
        """Decides about the call before which the thread `pid` has stopped."""
        registers = Registers()
        libc.ptrace(GETREGS, pid, None, ctypes.byref(registers))
        number = registers.orig_rax
        if number == SIGACTION:
            # Ignoring SIGPIPE is the first thing that the program does itself.
            self.started = self.started or registers.rdi == signal.SIGPIPE
            return
        group = next((name for name in self.groups if number in GROUPS[name]), None)
        path = self._path(pid, number, group, registers) if group and self.started else None
        if path is None:
            return
        self.count += 1
        self.outcome.calls.append((group, path))
        fault = self.fault
        if fault is None or not (self.count == fault.nth or fault.persistent and self.count > fault.nth):
            return
        self.outcome.hit = self.outcome.hit or f"{group} of {path}"
        if not fault.error:
            os.kill(self.root, signal.SIGKILL)
            return
        registers.orig_rax = 2**64 - 1
        # The C library sees that the heap did not grow if the kernel returns its old end.
        registers.rax = 0 if number == BRK else 2**64 - getattr(errno, fault.error)
        libc.ptrace(SETREGS, pid, None, ctypes.byref(registers))

    def _path(self, pid: int, number: int, group: str, registers: Registers) -> str | None:
        """Returns the file that the call concerns, or nil if it does not count."""
        kind, index = GROUPS[group][number]
        if kind is None:
            is_request = registers.rdi != 0 if number == BRK else registers.r10 & MAP_ANONYMOUS
            return "memory" if is_request else None
        if number in (OPEN, OPENAT) and not registers.argument(index + 1) & O_CREAT:
            return None
        try:
            if kind == DESCRIPTOR:
                path = os.readlink(f"/proc/{pid}/fd/{registers.argument(index) & 0xFFFFFFFF}")
            else:
                path = os.path.join(os.readlink(f"/proc/{pid}/cwd"), _text(pid, registers.argument(index)))
        except OSError:
            return None
        path = os.path.normpath(path)
        return path if any(path == folder or path.startswith(folder + "/") for folder in self.folders) else None


def _text(pid: int, address: int) -> str:
    """Reads a zero-terminated string of a process."""
    text = b""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        while b"\0" not in text:
            # Never across the end of a page, which may be the last one.
            memory.seek(address + len(text))
            text += memory.read(4096 - (address + len(text)) % 4096)
    return os.fsdecode(text.split(b"\0")[0])


class _Filter(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def _filter(numbers: set[int]) -> _Filter:
    """Returns a seccomp filter that stops at these calls and allows all others."""
    load, equal, result = 0x20, 0x15, 0x06
    code = struct.pack("HBBI", load, 0, 0, 0)
    for left, number in zip(range(len(numbers), 0, -1), sorted(numbers)):
        code += struct.pack("HBBI", equal, left, 0, number)
    code += struct.pack("HBBI", result, 0, 0, 0x7FFF0000)  # SECCOMP_RET_ALLOW
    code += struct.pack("HBBI", result, 0, 0, 0x7FF00000)  # SECCOMP_RET_TRACE
    program = _Filter(len(numbers) + 3, code)
    program.keep = code
    return program
