"""Base of the layers that measure distances to agents."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.constraints.unit_vectors import UnitVectors
from keras_hypersphere.initializers.resolve import resolve
from keras_hypersphere.layers.head import Head
from keras_hypersphere.ops import distances, gradients, sphere


class AgentLayer(Head):
    """Owns one row of the kernel, the agent, for each class.

    `kernel` is `(units, d)`. A subclass asks for `distances(x)`, or for
    `agents()`, the rows as they are used.
    """

    # Whether `gradient="caffe"` passes the normalization of agents unchanged.
    straight_through_agents = True

    def __init__(
        self,
        units: int,
        distance: str = "squared-l2",
        normalize_kernel: bool = True,
        gradient: str = "exact",
        epsilon: float = 1e-12,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        if distance == "l2":
            raise ValueError(
                '`distance` must be one of "squared-l2", "l1". Received: '
                "distance='l2', which is the root; what \"l2\" meant here "
                'before is "squared-l2".'
            )
        self.distance = arguments.choice(
            "distance", distance, ("squared-l2", "l1")
        )
        self.normalize_kernel = arguments.flag(
            "normalize_kernel", normalize_kernel
        )
        self.gradient = arguments.choice(
            "gradient", gradient, ("exact", "caffe")
        )
        self.epsilon = arguments.number("epsilon", epsilon, minimum=0.0)
        self.kernel_initializer = resolve(kernel_initializer, axis=1)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def build(self, inputs_shape, labels_shape=None) -> None:
        arguments.feature_vectors(inputs_shape)
        constraint = self.kernel_constraint
        if constraint is None and self._straight_through():
            constraint = UnitVectors(axis=1, epsilon=self.epsilon)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.units, arguments.feature_size(inputs_shape)),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=constraint,
        )
        self.built = True

    def _straight_through(self) -> bool:
        return (
            self.straight_through_agents
            and self.normalize_kernel
            and self.gradient == "caffe"
        )

    def agents(self) -> Any:
        """(units, d) agents in the dtype of the computation."""
        kernel = ops.cast(self.kernel, self.upcast_dtype)
        if not self.normalize_kernel:
            return kernel
        unit, _ = sphere.normalize(kernel, 1, epsilon=self.epsilon)
        return (
            gradients.straight_through(unit, kernel)
            if self._straight_through()
            else unit
        )

    def distances(self, x: Any) -> Any:
        """(N, d) features -> (N, units) distances to the agents."""
        directions = self.normalize_kernel and not self._straight_through()
        if directions and self.distance == "squared-l2":
            kernel = ops.cast(self.kernel, self.upcast_dtype)
            return distances.to_directions(x, kernel, self.epsilon)
        return distances.pairwise(x, self.agents(), self.distance)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "distance": self.distance,
            "normalize_kernel": self.normalize_kernel,
            "gradient": self.gradient,
            "epsilon": self.epsilon,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
            "kernel_constraint": keras.constraints.serialize(
                self.kernel_constraint
            ),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AgentLayer":
        # Older models say it of the square.
        if config.get("distance") == "l2":
            config = {**config, "distance": "squared-l2"}
        return super().from_config(config)
