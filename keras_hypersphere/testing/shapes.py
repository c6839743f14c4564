"""Shapes and dtypes are known before any number is."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.testing.subject import Subject

CHECK = "shapes"


def check_shapes(subject: Subject) -> None:
    """Build from shape, symbolic = eager, unknown batch size."""
    called = subject.make()
    eager = subject.call(called, subject.inputs(called.compute_dtype))
    check_build(subject, called)
    for batch in (subject.batch, None):
        symbolic = symbolic_outputs(subject, batch)
        subject.require(
            len(symbolic) == len(eager),
            CHECK,
            f"{len(symbolic)} symbolic outputs, {len(eager)} eager ones.",
        )
        for index, (s, e) in enumerate(zip(symbolic, eager, strict=True)):
            wanted = (batch if e.shape else None, *tuple(e.shape)[1:])
            wanted = wanted if e.shape else ()
            subject.require(
                tuple(s.shape) == wanted,
                CHECK,
                f"output {index} has symbolic shape {tuple(s.shape)}, eager "
                f"shape {tuple(e.shape)}, for a batch of {batch}.",
            )
            dtypes = [keras.backend.standardize_dtype(t.dtype) for t in (s, e)]
            subject.require(
                dtypes[0] == dtypes[1],
                CHECK,
                f"output {index} is {dtypes[0]} symbolically, {dtypes[1]} "
                "eagerly.",
            )
    check_batches(subject)


def check_build(subject: Subject, called: keras.layers.Layer) -> None:
    """`build` alone makes every weight that a call makes."""
    layer = subject.make()
    shapes = subject.shapes if subject.many else subject.shapes[0]
    more = {f"{key}_shape": a.shape for key, a in subject.arrays.items()}
    layer.build(shapes, **more)
    found, wanted = (
        [(v.name, tuple(v.shape)) for v in each.variables]
        for each in (layer, called)
    )
    subject.require(
        found == wanted,
        CHECK,
        f"`build` makes the weights {found}, a call {wanted}.",
    )


def symbolic_outputs(subject: Subject, batch: int | None) -> list[Any]:
    """Outputs on symbolic inputs with some batch size."""
    layer = subject.make()
    inputs = [
        keras.KerasTensor((batch, *shape[1:]), dtype=layer.compute_dtype)
        for shape in subject.shapes
    ]
    arrays = {
        key: keras.KerasTensor((batch, *a.shape[1:]), dtype=str(a.dtype))
        for key, a in subject.arrays.items()
    }
    return subject.call(layer, inputs, **arrays)


def check_batches(subject: Subject) -> None:
    """A model with a free batch size runs on several."""
    layer = subject.make()
    nodes = [
        keras.Input(shape[1:], dtype=layer.compute_dtype)
        for shape in subject.shapes
    ]
    extra = {
        key: keras.Input(a.shape[1:], dtype=str(a.dtype))
        for key, a in subject.arrays.items()
    }
    outputs = subject.call(layer, nodes, **extra)
    model = keras.Model([*nodes, *extra.values()], outputs)
    full = [
        *subject.inputs(layer.compute_dtype),
        *map(ops.convert_to_tensor, subject.arrays.values()),
    ]
    for batch in {1, max(subject.batch - 1, 1)}:
        found = keras.tree.flatten(model([x[:batch] for x in full]))
        for index, (f, s) in enumerate(zip(found, outputs, strict=True)):
            wanted = tuple(batch if a is None else a for a in tuple(s.shape))
            subject.require(
                tuple(f.shape) == wanted,
                CHECK,
                f"output {index} of a model has shape {tuple(f.shape)}, "
                f"expected {wanted}, for a batch of {batch}.",
            )
