"""One line on stderr that says how far a long job is."""

import sys
import time


class Progress:
    """Counts things done, on stderr, at most a few times a second.

    A terminal sees one line that changes; a file gets a line now and then.

    Args:
        total: How many there are; None: nobody knows.
        noun: What they are.
    """

    def __init__(self, total: int | None, noun: str) -> None:
        self.total = total
        self.noun = noun
        self.start = time.perf_counter()
        self.terminal = sys.stderr.isatty()
        self.every = 0.2 if self.terminal else 30.0
        self.shown = self.start

    def update(self, done: int) -> None:
        """Says that `done` of them are done, if it is time to."""
        now = time.perf_counter()
        last = done == self.total
        if now - self.shown < self.every and not last:
            return
        self.shown = now
        seconds = now - self.start
        of = "" if self.total is None else f" of {self.total}"
        line = f"{done}{of} {self.noun}"
        # Nothing is that fast: the count began when the work was done.
        if seconds >= 0.01:
            rate = done / seconds
            line += f", {rate:,.0f}" if rate >= 100 else f", {rate:.3g}"
            line += " a second"
        if self.terminal:
            end = "\n" if last else ""
            print(f"\r{line}\033[K", end=end, file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
