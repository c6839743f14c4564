"""Where the class weights of a model lie on several devices."""

import re
from typing import Any

import keras

from keras_hypersphere.layers.agent_layer import AgentLayer
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.layers.wrapped_head import WrappedHead

LABELS = "labels"


def sharded_layout(
    model: keras.Model, device_mesh: keras.distribution.DeviceMesh
) -> keras.distribution.LayoutMap:
    """Lays the class weights of a model's heads out over several devices.

    With n devices along the last axis of the mesh, each holds the weights of
    `C / n` of the C classes, and what an optimizer keeps for them (momentum).
    A step computes `(N, C / n)` logits on each device: it never gathers a
    matrix with a column for each class, nor the kernel. Everything else is
    on all devices.

    On a mesh of one axis each device also takes a part of the batch through
    the backbone, and the `(N, d)` embeddings are gathered in front of the
    head. On a mesh of two, the first splits the batch, the second the classes.

    The layout knows variables by their paths, so it is made from one model and
    used for another of the same layers: build that one, and compile and train
    it, under `keras.distribution.ModelParallel(layout_map=...)`. The number
    that Keras appends to a layer's name may differ.

    Args:
        model: `kh.models.MarginModel` that is built. Its classes may be fewer
            than those of the model that trains, which saves memory.
        device_mesh: `keras.distribution.DeviceMesh`. Its first axis splits
            the batch, its last the classes.

    Returns:
        A `keras.distribution.LayoutMap`.

    Raises:
        ValueError: On another backend than JAX, for a model without class
            weights, for `ChunkedClasses` and `SampledClasses`, and if the
            devices do not divide the classes.

    Example:

    >>> def make_model(classes):
    ...     backbone = keras.Sequential(
    ...         [keras.Input((6,)), keras.layers.Dense(4)]
    ...     )
    ...     return kh.models.MarginModel(backbone, kh.layers.ArcFace(classes))
    >>> if keras.config.backend() == "jax":
    ...     devices = keras.distribution.list_devices()
    ...     mesh = keras.distribution.DeviceMesh(
    ...         (len(devices),), ["shard"], devices
    ...     )
    ...     layout = kh.models.sharded_layout(make_model(len(devices)), mesh)
    ...     parallel = keras.distribution.ModelParallel(layout_map=layout)
    ...     with parallel.scope():
    ...         model = make_model(100 * len(devices))

    Reference:
        Partial FC (2020), https://arxiv.org/abs/2010.05222, whose class
        weights are distributed so; the sampling of classes that it adds is
        not here.
    """
    require_jax()
    layout = keras.distribution.LayoutMap(device_mesh)
    batch, shard = device_mesh.axis_names[0], device_mesh.axis_names[-1]
    found = getattr(model, "heads", None)
    if found is None:
        raise ValueError(
            "`model` must be a `kh.models.MarginModel`. "
            f"Received: {type(model).__name__}. Put the backbone and the "
            "head into one: MarginModel(backbone, head)."
        )
    if not model.built:
        raise ValueError(
            "`model` must be built, so that its class weights are known. "
            "Received: one that is not; give its backbone a `keras.Input`."
        )
    devices = device_mesh.shape[-1]
    for head in found:
        for variable, axis in class_variables(head):
            classes = variable.shape[axis] // columns(head)
            if classes % devices:
                raise ValueError(
                    f"The classes of {head.name} must be a multiple of the "
                    f"{devices} devices along '{shard}'. Received: {classes} "
                    "classes; take another number of devices, or leave "
                    f"{-classes % devices} classes at the end empty."
                )
            axes: list[str | None] = [None] * len(variable.shape)
            axes[axis] = shard
            layout[pattern_of(model, head, variable)] = tuple(axes)
    if not layout:
        raise ValueError(
            "`model` must have a head with class weights. Received: "
            f"{[type(head).__name__ for head in found]}."
        )
    # One part of the batch for each part that lies elsewhere along the mesh:
    # with one axis none does.
    rows = None if batch == shard else batch
    layout[f"{stem(model.name)}/{stem(model.backbone.name)}/output"] = (
        rows,
        None,
    )
    layout[f"{stem(model.name)}/{LABELS}"] = (rows,)
    return layout


def require_jax() -> None:
    """Refuses backends on which Keras splits no variables."""
    backend = keras.backend.backend()
    if backend == "jax":
        return
    other = {
        "tensorflow": "On TensorFlow train with replicas: build the model "
        "under `tf.distribute.MirroredStrategy().scope()`",
        "torch": "On PyTorch Keras trains on one device",
    }
    raise ValueError(
        "`sharded_layout` needs the backend JAX, the one on which "
        f"`keras.distribution` splits variables. Received: {backend}. "
        f"{other.get(backend, 'Set KERAS_BACKEND=jax')}, or set "
        "KERAS_BACKEND=jax."
    )


def class_variables(head: Any) -> list[tuple[Any, int]]:
    """The variables of a head with a part for each class, and their axis."""
    if isinstance(head, WrappedHead):
        raise ValueError(
            f"{type(head).__name__} walks over all classes on one device and "
            "cannot be split over several. Shard the head that it wraps: its "
            "logits are then a part of the classes on each device."
        )
    if isinstance(head, CenterLoss):
        return [(head.centers, 0)]
    if isinstance(head, AgentLayer):
        return [(head.kernel, 0)]
    if isinstance(head, CosineDense | keras.layers.Dense | MarginHead):
        found = [(head.kernel, 1)]
        bias = getattr(head, "bias", None)
        if bias is not None and len(bias.shape):
            found.append((bias, 0))
        return found
    return []


def columns(head: Any) -> int:
    """Columns of the kernel that belong to one class."""
    return getattr(head, "columns_per_class", 1)


def pattern_of(model: keras.Model, head: Any, variable: Any) -> str:
    """A pattern that paths of this variable match, in any copy of the model.

    Raises:
        ValueError: If other variables match it too.
    """
    name = variable.path.rpartition("/")[2]
    pattern = f"(?:.*/)?{stem(head.name)}/{re.escape(name)}"
    others = [
        v.path
        for v in model.variables
        if v is not variable and re.fullmatch(pattern, v.path)
    ]
    if others:
        raise ValueError(
            f"The head must have a name of its own. Received: {head.name}, "
            f"as in {others[0]}; pass it `name='head'`."
        )
    return pattern


def stem(name: str) -> str:
    """A pattern for a layer's name, whatever number Keras appends to it."""
    return rf"{re.escape(re.sub(r'_[0-9]+$', '', name))}(?:_\d+)?"


def labels_in_place(model: keras.Model, labels: Any) -> Any:
    """Labels of a batch where the logits of their rows are.

    They come in parts like the batch. Left so, a compiler may bring rows of
    all classes to where their labels are.
    """
    distribution = keras.distribution.distribution()
    layout = None
    if distribution is not None:
        layout = distribution.get_tensor_layout(f"{model.name}/{LABELS}")
    if layout is None:
        return labels
    return keras.distribution.distribute_tensor(labels, layout)
