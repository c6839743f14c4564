"""A seed that stays where it is until it is moved."""

from typing import Any

import keras
from keras import ops


class StillSeed(keras.random.SeedGenerator):
    """Draws the same numbers until its `state` is assigned.

    Keras's own moves with each draw. A head may be asked for its margin more
    than once in a step, for some classes and then for others, and every
    answer must be of one draw.
    """

    def next(self, ordered: bool = True) -> Any:
        return ops.convert_to_tensor(self.state)
