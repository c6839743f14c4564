"""Base of the heads whose logits are cosines times a fixed scale."""

from typing import Any

from keras_hypersphere import arguments
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import columns
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


class CosineHead(MarginHead):
    """Normalizes features and kernel, changes the target class's cosine.

    A subclass says how: `with_margin(cosine, annealing_value)`. A zero vector
    has the cosine 0 to every class.
    """

    def __init__(
        self,
        units: int,
        margin: float,
        scale: float,
        annealing: LambdaAnnealing | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, annealing=annealing, **kwargs)
        self.margin = arguments.number("margin", margin)
        self.scale = arguments.number("scale", scale, positive=True)

    @property
    def has_margin(self) -> bool:
        return self.margin != 0

    def with_margin(self, cosine: Any, annealing_value: Any) -> Any:
        """Cosines of the targets -> what stands for them in training."""
        raise NotImplementedError

    def logits(self, x: Any, classes: Any = None) -> Any:
        return self.cosines(x, classes, self.scale)

    def apply_margin(
        self,
        logits: Any,
        x: Any,
        labels: Any,
        annealing_value: Any,
        training: bool | None,
        classes: Any = None,
    ) -> Any:
        own = self.target_mask(labels, classes)
        cosine = columns.gather(logits, own) / self.scale
        target = self.with_margin(cosine, annealing_value) * self.scale
        return columns.scatter(logits, own, target)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "scale": self.scale,
        }
