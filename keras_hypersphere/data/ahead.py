"""Batches made ahead of their time, by threads or processes."""

import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any

# What a worker process makes; it is set where the process begins.
_make: Callable[[int], Any]


class Ahead:
    """Makes numbered things in the order they are needed in, and ahead.

    Keras's own workers cannot be used where it matters which epoch a batch
    is of: on JAX and PyTorch, what they make while Keras looks at a first
    batch, before any callback knows the epoch, is served in the training.

    Args:
        make: function of a number, the same wherever it is called.
        workers: int, of threads or processes; without processes up to 1
            means none: all is made where it is asked for.
        processes: bool, whether they are processes.
        size: int, how many are made ahead; 0 for all.
    """

    def __init__(
        self,
        make: Callable[[int], Any],
        workers: int,
        processes: bool,
        size: int,
    ) -> None:
        self.make = make
        self.workers, self.processes, self.size = workers, processes, size
        self.pool: Any = None
        self.begun: dict[int, concurrent.futures.Future[Any]] = {}
        self.lock = threading.Lock()

    def take(self, number: int, end: int) -> Any:
        """Returns `make(number)`; those after it, before `end`, are begun."""
        if self.workers <= (0 if self.processes else 1):
            return self.make(number)
        last = min(number + self.size, end - 1) if self.size else end - 1
        with self.lock:
            self._drop([n for n in self.begun if not number <= n <= last])
            for needed in range(number, last + 1):
                if needed not in self.begun:
                    self.begun[needed] = self._submit(needed)
            mine = self.begun.pop(number)
        return mine.result()

    def stop(self) -> None:
        """Forgets what was begun, and lets the workers go."""
        with self.lock:
            self._drop(list(self.begun))
            pool, self.pool = self.pool, None
        if pool is not None:
            # What a thread waits for is still made.
            pool.shutdown(wait=False)

    def _drop(self, numbers: list[int]) -> None:
        for number in numbers:
            self.begun.pop(number).cancel()

    def _submit(self, number: int) -> concurrent.futures.Future[Any]:
        if self.pool is None and self.processes:
            self.pool = concurrent.futures.ProcessPoolExecutor(
                self.workers, initializer=_prepare, initargs=(self.make,)
            )
        elif self.pool is None:
            self.pool = concurrent.futures.ThreadPoolExecutor(self.workers)
        make = _made if self.processes else self.make
        return self.pool.submit(make, number)

    def __reduce__(self) -> tuple[Any, ...]:
        # Neither locks nor workers travel to another process.
        return Ahead, (self.make, self.workers, self.processes, self.size)


def _prepare(make: Callable[[int], Any]) -> None:
    global _make
    _make = make


def _made(number: int) -> Any:
    return _make(number)
