"""Several processes of one training, which Keras has on JAX."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np

# Seconds between two signs of life of a process that others wait for.
BEAT = 2.0
# Bytes of a text for the others.
LONGEST = 1000
T = TypeVar("T")


def process_count() -> int:
    """Processes that train together, 1 on other backends."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def process_index() -> int:
    """The number of this process, from 0."""
    if process_count() == 1:
        return 0
    import jax

    return jax.process_index()


def is_first_process() -> bool:
    """Whether this is the one that writes."""
    return process_index() == 0


def whole_array(variable: Any) -> np.ndarray:
    """The values of a variable that each process has all of."""
    value = getattr(variable, "value", variable)
    if process_count() == 1 or value.is_fully_addressable:
        return keras.ops.convert_to_numpy(variable)
    return np.asarray(value)


def assign_whole(variable: keras.Variable, value: np.ndarray) -> None:
    """Gives a variable values that all processes know; each keeps its part."""
    now = variable.value
    if process_count() == 1 or now.is_fully_addressable:
        variable.assign(keras.ops.cast(value, variable.dtype))
        return
    import jax

    value = np.asarray(value).astype(now.dtype)
    variable.assign(
        jax.make_array_from_callback(
            value.shape, now.sharding, lambda place: value[place]
        )
    )


def wait_for_all(what: str) -> None:
    """Returns once all processes have come here."""
    if process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(what)


def gathered(values: np.ndarray) -> np.ndarray:
    """An array of each process, of one shape in all, in their order."""
    values = np.asarray(values)
    if process_count() == 1:
        return values[None]
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(values))


def in_any_process(flag: bool) -> bool:
    """Whether something is so in one of the processes, or in more."""
    return bool(gathered(np.array(flag)).any())


def first_does(work: Callable[[], T]) -> T | None:
    """Lets the first process do something; the others wait until it is done.

    Returns:
        What `work` returned; None in other processes.

    Raises:
        ValueError: In other processes, where `work` raised an error.
    """
    if process_count() == 1:
        return work()
    if not is_first_process():
        while not in_any_process(False):
            pass
        said = received_text()
        if said:
            raise ValueError(f"In the first process: {said}")
        return None
    # The others do not wait for long: what carries their messages gives up.
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT):
            in_any_process(False)
        in_any_process(True)

    signs = threading.Thread(target=beat, daemon=True)
    signs.start()
    problem: BaseException | None = None
    try:
        return work()
    except BaseException as error:
        problem = error
        raise
    finally:
        done.set()
        signs.join()
        said = ""
        if problem is not None:
            said = " ".join(str(problem).split()) or type(problem).__name__
        sent_text(said)


def sent_text(text: str) -> None:
    """Tells all processes a short text."""
    words = text.encode()[:LONGEST]
    gathered(np.frombuffer(words.ljust(LONGEST, b"\0"), np.uint8))


def received_text() -> str:
    """The text of the first process."""
    [first, *_] = gathered(np.zeros(LONGEST, np.uint8))
    return first.tobytes().rstrip(b"\0").decode("utf-8", "replace")
