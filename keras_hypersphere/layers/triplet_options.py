"""Options of the C-triplet loss, checked; for its layer and its loss."""

import dataclasses
from typing import Any

from keras_hypersphere.layers import arguments


@dataclasses.dataclass(frozen=True)
class TripletOptions:
    """What `ops.triplet` takes, but for the gradient."""

    margin: float
    hardest_only: bool
    center_pull: bool
    positive_weight: float
    negative_weight: float
    positive_first: bool
    positive_upper_bound: float

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is bool:
                arguments.flag(field.name, value)
            else:
                number = arguments.number(field.name, value, minimum=0.0)
                object.__setattr__(self, field.name, number)

    def as_dict(self) -> dict[str, Any]:
        """Names and values."""
        return dataclasses.asdict(self)
