"""Options of the C-contrastive loss, checked; for its layer and its loss."""

import dataclasses
from typing import Any

from keras_hypersphere.layers import arguments


@dataclasses.dataclass(frozen=True)
class ContrastiveOptions:
    """What `ops.contrastive` takes, but for the gradient."""

    positive_margin: float
    negative_margin: float
    positive_weight: float
    negative_weight: float
    positive_outlier: float
    normalize_negative: float | None
    max_negative_only: bool
    max_positive_only: bool
    positive_first: bool
    positive_upper_bound: float
    exponential_negative: bool

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is bool:
                arguments.flag(field.name, value)
            elif value is not None or field.type is float:
                number = arguments.number(field.name, value, minimum=0.0)
                object.__setattr__(self, field.name, number)

    def as_dict(self) -> dict[str, Any]:
        """Names and values."""
        return dataclasses.asdict(self)
