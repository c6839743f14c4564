"""Processes that were forked: threads of engines do not come along."""

import os
import sys

# What a fork of a process that has imported it waits for in vain.
THREADED = ("tensorflow", "jax", "torch", "openvino", "onnxruntime")


def require_own_process(engine: str) -> None:
    """Raises where an engine would wait for threads that are not there.

    A fork has none of its parent's threads, so that the first computation
    hangs. Which libraries had been imported before is remembered at the
    fork.

    Raises:
        RuntimeError: It says what to do.
    """
    if FORKED_WITH:
        raise RuntimeError(
            f"This process was forked after {', '.join(FORKED_WITH)} had been "
            f"imported, and `runtime={engine!r}` would hang. Take "
            "`runtime='opencv'`, start processes by "
            "`multiprocessing.get_context('spawn')`, or load the embedder "
            "after the fork."
        )


FORKED_WITH: list[str] = []


def remember() -> None:
    """Notes in a fork what its parent had imported."""
    FORKED_WITH[:] = [name for name in THREADED if name in sys.modules]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=remember)
