"""Base of the heads whose logits are cosines times a fixed scale."""

from typing import Any

from keras_hypersphere.layers import arguments
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import columns, sphere
from keras_hypersphere.ops.projections import project
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


class CosineHead(MarginHead):
    """Normalizes features and kernel, changes the own class's cosine.

    A subclass says how: `with_margin(cosine, annealing_value)`. A zero vector
    has the cosine 0 to every class.
    """

    def __init__(
        self,
        units: int,
        margin: float,
        scale: float,
        annealing: LambdaAnnealing | None = None,
        gradient: str = "exact",
        margin_at_test: bool = False,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            annealing=annealing,
            gradient=gradient,
            margin_at_test=margin_at_test,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )
        self.margin = arguments.number("margin", margin)
        self.scale = arguments.number("scale", scale, positive=True)

    def with_margin(self, cosine: Any, annealing_value: Any) -> Any:
        """Cosines of the own classes -> what stands for them in training."""
        raise NotImplementedError

    def logits(self, x: Any) -> Any:
        # The features are smaller than the cosines, so they are scaled.
        x = sphere.normalize(x)[0] * self.scale
        straight = self.gradient == "caffe"
        return project(x, self.wide_kernel(), straight=straight)

    def margin_logits(self, x: Any, labels: Any, annealing_value: Any) -> Any:
        logits = self.logits(x)
        own = columns.mask(labels, self.units)
        cosine = columns.pick(logits, own) / self.scale
        target = self.with_margin(cosine, annealing_value) * self.scale
        return columns.put(logits, own, target)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "scale": self.scale,
        }
