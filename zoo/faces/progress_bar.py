"""What is shown, or told, while many photos are embedded."""

from collections.abc import Callable

import keras

Progress = bool | Callable[[int, int], None]


def shower(progress: Progress, total: int) -> Callable[[int, int], None]:
    """The function that is told how many photos are done."""
    if callable(progress):
        return progress
    if not progress:
        return lambda done, total: None
    bar = keras.utils.Progbar(total, unit_name="photo")
    return lambda done, total: bar.update(done)
