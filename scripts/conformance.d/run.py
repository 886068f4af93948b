"""Runs every peer on every image set, two at a time, the largest set first; skips what an earlier run finished.

python run.py WORK N SMALL [SET...]   only those sets, in that order
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
# The repository of each peer that is not a package.
REPOSITORIES = {"dgm-eval": "dgm-eval", "dgm-eval.kid": "dgm-eval", "edm": "edm", "adm": "guided-diffusion"}
PEERS = [
    "pytorch-fid",
    "torch-fidelity",
    "adm",
    "clean-fid-clean",
    "torchmetrics",
    "edm",
    "dgm-eval",
    "clean-fid-legacy-tensorflow",
    "clean-fid-legacy-pytorch",
]
AGAIN = ["clean-fid-clean.kid", "torchmetrics.kid", "dgm-eval.kid"]
LANES = 2  # one thread each, because matrix square roots use only one core
LONGEST = 2 * 3600  # seconds for one peer on one set


def jobs(large: int, small: int) -> list[tuple[str, str]]:
    """(peer, set) of everything that can be run: `large` images of one kind, `small` of each other kind, 0 for none."""
    sets = [f"tiny-{large}"] + [f"{kind}-{small}" for kind in ("jpeg", "mixed", "grey", "square") if small]
    result = [(peer, name) for name in sets for peer in PEERS if not unsuitable(peer, name)]
    return result + [(peer, sets[0]) for peer in AGAIN if large >= 1000]


def unsuitable(peer: str, name: str) -> str | None:
    """Why a peer cannot take a set."""
    if name.startswith("mixed") and peer in ("adm", "edm"):
        return "takes images of one size only"
    return None


def missing(peer: str) -> str | None:
    """Why a peer cannot run here."""
    repository = REPOSITORIES.get(peer)
    if repository and not (Path(os.environ.get("REFERENCE_REPOS", "")) / repository).is_dir():
        return f"{repository} is not in REFERENCE_REPOS"
    return None


def finished(work: Path, peer: str, name: str) -> bool:
    path = work / "results" / f"{peer}.{name}.json"
    return path.exists() and json.loads(path.read_text())["weights"] == (work / "weights" / "sha256").read_text()


def run(work: Path, peer: str, name: str) -> int:
    (work / "log").mkdir(exist_ok=True)
    python = work / ("tensorflow" if peer == "adm" else "torch") / "bin" / "python"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = ["nice", "-n", "10", python, "-W", "ignore", HERE / "peers.py", peer, work, name]
    with open(work / "log" / f"{peer}.{name}.log", "w") as log:
        try:
            return subprocess.run(
                command, stdout=log, stderr=log, env=environment, timeout=LONGEST, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return 124


def cost(peer: str, name: str) -> float:
    """The approximate seconds, only for the estimate."""
    count = int(name.split("-")[1])
    return 300 if peer.endswith(".kid") else 2 * count / 8 + 40


def main():
    work, large, small, chosen = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    everything = jobs(large, small)
    if chosen:
        everything = [job for name in chosen for job in everything if job[1] == name]
    queue = [job for job in everything if not missing(job[0]) and not finished(work, *job)]
    total, done, begin, lock = sum(cost(*job) for job in queue), 0.0, time.monotonic(), threading.Condition()
    pending, active, count = list(queue), set(), 0

    def ready(job):
        """Whether the run whose features a repetition uses has finished."""
        return not job[0].endswith(".kid") or (job[0].removesuffix(".kid"), job[1]) not in active | set(pending)

    def lane():
        nonlocal done, count
        while True:
            with lock:
                job = next((job for job in pending if ready(job)), None)
                if job is None and not pending:
                    return
                if job is None:
                    lock.wait()
                    continue
                pending.remove(job)
                active.add(job)
            status = run(work, *job)
            with lock:
                active.remove(job)
                lock.notify_all()
                done, count = done + cost(*job), count + 1
                elapsed = time.monotonic() - begin
                left = elapsed / done * (total - done)
                outcome = "done" if status == 0 else f"failed with {status}, see log/{job[0]}.{job[1]}.log"
                print(
                    f"[{count}/{len(queue)}] {job[0]} on {job[1]}: {outcome}; about {left / 60:.0f} minutes left",
                    flush=True,
                )

    threads = [threading.Thread(target=lane) for _ in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
