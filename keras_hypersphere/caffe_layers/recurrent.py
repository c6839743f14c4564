"""Caffe's LSTM and RNN: sequences of many streams, which may begin anywhere."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class RecurrentCell(keras.layers.Layer):
    """One step: the states, then what this step adds to them.

    Args:
        units: int, numbers in a state.
        kind: string, `"lstm"` or `"rnn"`.

    Call arguments:
        inputs: `(N, gates + 1)`: what `x` adds to the gates, and last whether
            the stream goes on.
        states: list of `(N, units)`: h, and with `"lstm"` c.
    """

    def __init__(self, units: int, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.kind = kind
        self.state_size = [units, units] if kind == "lstm" else [units]
        self.output_size = units

    def build(self, input_shape: Sequence[int | None]) -> None:
        gates = 4 if self.kind == "lstm" else 1
        self.recurrent_kernel = self.add_weight(
            (self.units, gates * self.units), name="recurrent_kernel"
        )
        if self.kind == "rnn":
            self.output_kernel = self.add_weight(
                (self.units, self.units), name="output_kernel"
            )
            self.output_bias = self.add_weight(
                (self.units,), "zeros", name="output_bias"
            )

    def call(
        self, inputs: Any, states: Sequence[Any], training: bool = False
    ) -> tuple[Any, list[Any]]:
        goes_on = inputs[:, -1:]
        added = inputs[:, :-1] + ops.matmul(
            states[0] * goes_on, self.recurrent_kernel
        )
        if self.kind == "rnn":
            h = ops.tanh(added)
            output = ops.matmul(h, self.output_kernel) + self.output_bias
            return ops.tanh(output), [h]
        i, f, o, g = ops.split(added, 4, axis=-1)
        kept = ops.sigmoid(f) * goes_on * states[1]
        c = kept + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "units": self.units, "kind": self.kind}


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class Recurrent(keras.layers.Layer):
    """An LSTM or a plain recurrent network over steps of many streams.

    With `a = h_(t-1) cont_t`, `z = W x_t + b + W_static x_static + W_h a` and
    `s` the logistic function, `"rnn"` is `h_t = tanh(z)` and gives
    `tanh(W_o h_t + b_o)`. `"lstm"` parts `z` in i, f, o, g and gives h_t:
    `c_t = s(f) cont_t c_(t-1) + s(i) tanh(g)`, `h_t = s(o) tanh(c_t)`.

    States begin at zero in each call, or as they are given. Caffe goes on
    with those of its last call; write a first `cont` of 0 for the same.

    Args:
        units: int, numbers in a state.
        kind: string, `"lstm"` or `"rnn"`.
        static: bool, whether `x_static` is given.
        expose_hidden: bool, whether first states are given, and last ones
            returned.

    Call arguments:
        inputs: list of x `(T, N, d)`, cont `(T, N)`: 0 where a stream begins;
            with `static` x_static `(N, e)`, and with `expose_hidden` h, and
            for `"lstm"` c, each `(1, N, units)`.

    Output shape:
        `(T, N, units)`; with `expose_hidden` a list: after it the last h, and
        for `"lstm"` c, each `(1, N, units)`.

    Reference:
        Long-term Recurrent Convolutional Networks for Visual Recognition and
        Description (2015), https://arxiv.org/abs/1411.4389, whose layers
        official Caffe has.
    """

    def __init__(
        self,
        units: int,
        kind: str,
        static: bool = False,
        expose_hidden: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = arguments.positive_integer("units", units)
        self.kind = arguments.choice("kind", kind, ("lstm", "rnn"))
        self.static = arguments.flag("static", static)
        self.expose_hidden = arguments.flag("expose_hidden", expose_hidden)
        self.steps = keras.layers.RNN(
            RecurrentCell(self.units, self.kind),
            return_sequences=True,
            return_state=True,
            name="steps",
        )

    def build(self, input_shape: Sequence[Sequence[int | None]]) -> None:
        gates = self.units * (4 if self.kind == "lstm" else 1)
        width = input_shape[0][-1]
        self.kernel = self.add_weight((width, gates), name="kernel")
        self.bias = self.add_weight((gates,), "zeros", name="bias")
        if self.static:
            self.static_kernel = self.add_weight(
                (input_shape[2][-1], gates), name="static_kernel"
            )
        streams = input_shape[0][1]
        self.steps.build((streams, None, gates + 1))

    def call(self, inputs: Sequence[Any]) -> Any:
        x, cont, *others = inputs
        added = ops.matmul(x, self.kernel) + self.bias
        if self.static:
            added = added + ops.matmul(others.pop(0), self.static_kernel)
        cont = ops.cast(cont, added.dtype)[..., None]
        rows = ops.concatenate([added, cont], axis=-1)
        first = [state[0] for state in others] or None
        made, *last = self.steps(
            ops.transpose(rows, (1, 0, 2)), initial_state=first
        )
        made = ops.transpose(made, (1, 0, 2))
        if not self.expose_hidden:
            return made
        return [made, *(state[None] for state in last)]

    def compute_output_spec(self, inputs: Sequence[Any]) -> Any:
        steps, streams = inputs[0].shape[:2]
        made = keras.KerasTensor(
            (steps, streams, self.units), self.compute_dtype
        )
        if not self.expose_hidden:
            return made
        shape = (1, streams, self.units)
        states = self.steps.cell.state_size
        return [made] + [
            keras.KerasTensor(shape, self.compute_dtype) for _ in states
        ]

    def get_config(self) -> dict[str, Any]:
        names = ("units", "kind", "static", "expose_hidden")
        config = super().get_config()
        return {**config, **{name: getattr(self, name) for name in names}}
