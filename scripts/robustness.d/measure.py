"""Runs one command and writes how it ended, as JSON: status, seconds, processor seconds and peak memory.

    measure.py REPORT SECONDS COMMAND ...

It is a process of its own, because Linux counts the memory of the process that starts a command as the
command's: that of this one is small. A command that takes longer than SECONDS is killed.
"""

import json
import os
import signal
import sys
import time


def measure(limit, command):
    start = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, setpgroup=0)
    timed_out = False

    def kill(*_):
        nonlocal timed_out
        timed_out = True
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, limit)
    _, status, usage = os.wait4(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    code = os.waitstatus_to_exitcode(status)
    return {
        "status": 128 - code if code < 0 else code,
        "timed_out": timed_out,
        "seconds": time.monotonic() - start,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * 1024,
    }


if __name__ == "__main__":
    report = measure(float(sys.argv[2]), sys.argv[3:])
    with open(sys.argv[1], "w") as stream:
        json.dump(report, stream)
