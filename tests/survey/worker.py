"""Processes that examine networks, and may hang or die."""

import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Worker processes end and start again: Keras keeps the names of all layers.
MOST_JOBS = 40


def serve(pipe: Any, verified: bool) -> None:
    """A worker: a path in, an outcome out."""
    from tests.survey.network import examine

    while True:
        try:
            file = pipe.recv()
        except EOFError:
            return
        pipe.send(examine(Path(file), verified))


class Worker:
    """A process that may hang or die, and is replaced then."""

    def __init__(self, verified: bool, seconds: float) -> None:
        self.verified = verified
        self.seconds = seconds
        self.jobs = 0
        self.start()

    def start(self) -> None:
        """Starts the process."""
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(
            target=serve, args=(other, self.verified), daemon=True
        )
        self.process.start()
        other.close()
        self.jobs = 0

    def stop(self) -> None:
        """Ends the process."""
        self.pipe.close()
        self.process.kill()
        self.process.join()

    def examine(self, file: Path) -> dict[str, Any]:
        """The outcome of a network, whatever happens."""
        if self.jobs == MOST_JOBS:
            self.stop()
            self.start()
        self.jobs += 1
        began = time.monotonic()
        self.pipe.send(str(file))
        try:
            if self.pipe.poll(self.seconds):
                outcome = self.pipe.recv()
            else:
                outcome = died(f"took more than {self.seconds:g} s")
        except (EOFError, OSError):
            self.process.join()
            outcome = died(f"ended with {self.process.exitcode}")
        if outcome["stage"] == "died":
            self.stop()
            self.start()
        return {**outcome, "seconds": round(time.monotonic() - began, 1)}


def died(reason: str) -> dict[str, Any]:
    """The outcome where there is none."""
    return {"stage": "died", "reason": reason, "advice": []}


def survey(
    files: Sequence[Path],
    verified: bool,
    workers: int,
    seconds: float,
    journal: Path | None = None,
) -> dict[Path, dict[str, Any]]:
    """The outcomes by file; workers take the next file when they are free.

    Args:
        files: The networks.
        verified: Whether to verify them.
        workers: Processes at once.
        seconds: The most a network may take.
        journal: A file that gets a line of JSON for each outcome at once.
            What it holds already is not examined again.
    """
    outcomes = {} if journal is None else read_journal(journal, files)
    left = iter([file for file in files if file not in outcomes])
    lock = threading.Lock()

    def work() -> None:
        worker = Worker(verified, seconds)
        while True:
            with lock:
                file = next(left, None)
            if file is None:
                break
            outcomes[file] = outcome = worker.examine(file)
            if journal is not None:
                line = json.dumps({"file": str(file), **outcome})
                with lock, journal.open("a") as stream:
                    stream.write(f"{line}\n")
            print(
                f"\r{len(outcomes)} of {len(files)}",
                end="",
                file=sys.stderr,
                flush=True,
            )
        worker.stop()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(file=sys.stderr)
    return {file: outcomes[file] for file in files}


def read_journal(
    journal: Path, files: Sequence[Path]
) -> dict[Path, dict[str, Any]]:
    """The outcomes of an earlier survey that was stopped."""
    if not journal.exists():
        return {}
    rows = [json.loads(line) for line in journal.read_text().splitlines()]
    known = {Path(row.pop("file")): row for row in rows}
    return {file: known[file] for file in files if file in known}
