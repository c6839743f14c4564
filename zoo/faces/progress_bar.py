"""What is shown, or told, while many photos are embedded."""

import sys
from collections.abc import Callable

Progress = bool | Callable[[int, int | None], None]
WIDTH = 30


def shower(progress: Progress, total: int | None) -> Callable[[int], None]:
    """The function that is told how many photos are done."""
    if callable(progress):
        return lambda done: progress(done, total)
    return (lambda done: draw(done, total)) if progress else lambda done: None


def draw(done: int, total: int | None) -> None:
    """One line on stderr that is drawn again: numbers, and a bar."""
    if total is None:
        line = f"{done} photos"
    else:
        full = WIDTH * done // max(total, 1)
        line = f"{done}/{total} photos [{'=' * full:{WIDTH}}]"
    end = "\n" if done == total else ""
    print(f"\r{line}", end=end, file=sys.stderr, flush=True)
