"""Ctrl-C that cannot get lost."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Gives a function that raises the interrupt again, if there was one.

    Python raises `KeyboardInterrupt` wherever the program is. Where that is
    a callback of a library, the library may drop it.
    """
    seen = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        seen.set()
        raise KeyboardInterrupt

    def check() -> None:
        if seen.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        # Only the main thread is interrupted.
        yield check
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
