"""One line on stderr that says how far a long job is."""

import sys
import time


class Progress:
    """Counts things done, on stderr, at most a few times a second.

    A terminal sees one line that changes; a file gets a line now and then.

    Args:
        total: How many there are.
        noun: What they are.
    """

    def __init__(self, total: int, noun: str) -> None:
        self.total = total
        self.noun = noun
        self.start = time.perf_counter()
        self.terminal = sys.stderr.isatty()
        self.every = 0.2 if self.terminal else 30.0
        self.shown = self.start

    def update(self, done: int) -> None:
        """Says that `done` of them are done, if it is time to."""
        now = time.perf_counter()
        if now - self.shown < self.every and done < self.total:
            return
        self.shown = now
        rate = done / max(now - self.start, 1e-9)
        line = f"{done} of {self.total} {self.noun}, {rate:.3g} a second"
        if self.terminal:
            end = "\n" if done == self.total else ""
            print(f"\r{line}\033[K", end=end, file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
