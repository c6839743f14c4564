"""Bases of the heads whose logits are cosines times a fixed scale."""

from typing import Any

from keras_hypersphere import arguments
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import columns, gradients


class CosineHead(MarginHead):
    """Normalizes features and kernel, changes the target class's cosine.

    A subclass says how: `harder(cosine, x, labels)`. A zero vector has the
    cosine 0 to every class.
    """

    # One entry of a row has a margin: the others need no second copy.
    passes_straight = True

    def __init__(self, units: int, scale: float, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.scale = arguments.number("scale", scale, positive=True)

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        """(N, 1) cosines of the targets -> what stands for them."""
        raise NotImplementedError

    def with_margin(
        self,
        cosine: Any,
        annealing_value: Any,
        x: Any = None,
        labels: Any = None,
    ) -> Any:
        """The same, as far as the annealing lets the margin in."""
        harder = self.harder(cosine, x, labels)
        return self.anneal(cosine, harder, annealing_value)

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
        target = self.with_margin(cosine, annealing_value, x, labels)
        if self.gradient == "straight-through":
            target = gradients.straight_through(target, cosine)
        return columns.scatter(logits, own, target * self.scale)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


class MarginCosineHead(CosineHead):
    """A `CosineHead` with one number for its margin."""

    def __init__(
        self, units: int, margin: float, scale: float, **kwargs: Any
    ) -> None:
        super().__init__(units, scale=scale, **kwargs)
        self.margin = arguments.number("margin", margin)

    @property
    def has_margin(self) -> bool:
        return self.margin != 0

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
