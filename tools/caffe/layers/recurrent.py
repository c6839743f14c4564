"""LSTM and RNN: Caffe's networks that are unrolled over the first axis."""

import functools

import numpy as np

from keras_hypersphere.caffe_layers.recurrent import Recurrent
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

STATES = {"lstm": 2, "rnn": 1}


def recurrent_reference(
    kind: str, layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Step after step, stream after stream, from states of zero."""
    settings = layer.parameter.recurrent_param
    x, cont, *others = bottoms
    steps, streams, units = *x.shape[:2], settings.num_output
    gates = units * (4 if kind == "lstm" else 1)
    shown = STATES[kind] * settings.expose_hidden
    fixed = others.pop(0) if len(others) > shown else None
    kernel = layer.blob(0, (gates, x.shape[2]), settings.weight_filler)
    bias = layer.blob(1, (gates,), settings.bias_filler)
    at = 2
    added = np.zeros((streams, gates))
    if fixed is not None:
        shape = (gates, fixed.shape[1])
        added = fixed @ layer.blob(at, shape, settings.weight_filler).T
        at += 1
    turn = layer.blob(at, (gates, units), settings.weight_filler)
    if kind == "rnn":
        square = (units, units)
        out = layer.blob(at + 1, square, settings.weight_filler)
        shift = layer.blob(at + 2, (units,), settings.bias_filler)
    h, c = np.zeros((2, streams, units))
    if others:
        h, c = (other[0].copy() for other in (others * 2)[:2])
    made = np.zeros((steps, streams, units))
    for t in range(steps):
        for n in range(streams):
            z = kernel @ x[t, n] + bias + added[n] + turn @ (cont[t, n] * h[n])
            if kind == "rnn":
                h[n] = np.tanh(z)
                made[t, n] = np.tanh(out @ h[n] + shift)
                continue
            i, f, o = 1 / (1 + np.exp(-z[: 3 * units].reshape(3, units)))
            c[n] = cont[t, n] * f * c[n] + i * np.tanh(z[3 * units :])
            made[t, n] = h[n] = o * np.tanh(c[n])
    return [made, *[h[None], c[None]][:shown]]


def recurrent(kind: str, layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """Our `Recurrent`; states begin at zero in each call."""
    settings = layer.parameter.recurrent_param
    units, shown = settings.num_output, settings.expose_hidden
    states = STATES[kind] if shown else 0
    if not 2 + states <= len(inputs) <= 3 + states:
        layer.fail(
            f"has {len(inputs)} bottoms; it takes x, cont, maybe x_static"
            + (f", and {states} first states" if shown else "")
        )
    if len(layer.parameter.top) != 1 + states:
        layer.fail(
            f"has {len(layer.parameter.top)} tops; it makes {1 + states}"
        )
    if units < 1:
        layer.fail("needs `num_output`")
    static = len(inputs) > 2 + states
    x, cont, *others = inputs
    layer.expect([x], 1, rank=3)
    layer.expect([cont], 1, rank=2)
    layer.batch = None
    if static:
        layer.expect([others[0]], 1, rank=2)
    for state in others[static:]:
        if state.shape[1:] != (x.shape[1], units):
            layer.fail(
                f"takes first states of 1 x {x.shape[1]} x {units}; it has "
                f"{tuple(state.shape[1:])} behind the first axis"
            )
    if x.shape[1] != cont.shape[1]:
        layer.fail(f"has {x.shape[1]} streams in x and {cont.shape[1]} in cont")
    gates = units * (4 if kind == "lstm" else 1)
    weight, bias = settings.weight_filler, settings.bias_filler
    declared = [((gates, x.shape[2]), weight), ((gates,), bias)]
    if static:
        declared.append(((gates, others[0].shape[1]), weight))
    declared.append(((gates, units), weight))
    if kind == "rnn":
        declared += [((units, units), weight), ((units,), bias)]
    made = layer.add(
        Recurrent,
        inputs,
        weights=[blob.T for blob in layer.blobs(*declared)],
        units=units,
        kind=kind,
        static=static,
        expose_hidden=shown,
    )
    return made if isinstance(made, list) else [made]


for name in ("LSTM", "RNN"):
    convert = functools.partial(recurrent, name.lower())
    convert.__doc__ = recurrent.__doc__
    register_layer(
        name,
        reference=functools.partial(recurrent_reference, name.lower()),
        message="recurrent_param",
    )(convert)
