"""What travels through a step of `MarginModel`."""

from typing import Any, NamedTuple


class Batch(NamedTuple):
    """Inputs with their labels, on their way into the model."""

    inputs: Any
    labels: Any


class Step(NamedTuple):
    """What the model makes of a batch.

    `logits` are those that are trained, `plain` those without a margin, from
    which classes are predicted. `losses` are the heads' own, (N,) values by
    their name in the logs. `labels` are (N,) int32, negative for no class.
    """

    embeddings: Any
    labels: Any
    logits: Any
    plain: Any
    losses: dict[str, Any]
