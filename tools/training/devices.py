"""A training on several devices of one machine."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_hypersphere.backend.processes import process_count
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.models.sharded_layout import sharded_layout
from keras_hypersphere.recipes.recipe import Recipe

AXIS = "shard"
# Classes from which a head is split: below, sending embeddings around takes
# longer than computing all logits.
SHARDED_FROM = 20_000


@contextlib.contextmanager
def several_devices(
    count: int | None,
    batch_size: int | None,
    classes: int,
    make_model: Callable[[int], Any],
    tell: Callable[[str], None],
) -> Iterator[None]:
    """Lets models that are made inside train on several devices.

    Several processes train on all devices that they have.

    Args:
        count: How many; None for what Keras does by itself.
        batch_size: Photos of a batch, of all devices together.
        classes: People.
        make_model: From a number of classes to the model.
        tell: Called with lines for a person.

    Raises:
        ValueError: If so many devices are not there, if Keras has none to
            give on this backend, and for batches that do not divide.
    """
    processes = process_count()
    if processes > 1:
        names = all_devices(count)
        count = len(names)
    elif count is None or count == 1:
        yield
        return
    else:
        names = device_names(count)
    if batch_size is None or batch_size % count:
        raise ValueError(
            f"{count} devices: batches must have a multiple of {count} "
            f"photos. Received: {batch_size}; say --batch-size."
        )
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        strategy = tf.distribute.MirroredStrategy(names)
        tell(f"{count} devices: each takes {batch_size // count} photos")
        with strategy.scope():
            yield
        return
    # Each process makes its own rows of a batch.
    sharing = {"auto_shard_dataset": False}
    distribution: Any = keras.distribution.DataParallel(
        devices=names, **sharing
    )
    said = "each has the whole head"
    if classes >= SHARDED_FROM and not classes % count:
        small = make_model(count)
        if isinstance(small, MarginModel):
            mesh = keras.distribution.DeviceMesh((count,), [AXIS], names)
            distribution = keras.distribution.ModelParallel(
                layout_map=sharded_layout(small, mesh), **sharing
            )
            said = f"each has {classes // count} classes of the head"
    elif classes >= SHARDED_FROM:
        said += f", since {classes} classes are no multiple of {count}"
    where = f" of {processes} processes" if processes > 1 else ""
    tell(
        f"{count} devices{where}: each takes {batch_size // count} photos, "
        f"and {said}"
    )
    with distribution.scope():
        yield


def all_devices(count: int | None) -> list[str]:
    """The devices of all processes.

    Raises:
        ValueError: If another number was asked for.
    """
    names = list(keras.distribution.list_devices())
    if count not in (None, len(names)):
        raise ValueError(
            f"--devices {count}: several processes train on all devices that "
            f"they have, {len(names)} here. Leave --devices out."
        )
    return names


def require_whole_clipping(count: int | None, recipe: Recipe) -> None:
    """Refuses what would train otherwise than on one device, unseen.

    Raises:
        ValueError: If each replica's part of the gradient would be clipped.
    """
    if (
        (count or 1) > 1
        and keras.backend.backend() == "tensorflow"
        and recipe.clip_norm is not None
        and recipe.optimizer != "CaffeSGD"
    ):
        raise ValueError(
            f"--devices {count}: on TensorFlow Keras's {recipe.optimizer} "
            "clips the gradient of each device and not that of the batch. "
            "Take KERAS_BACKEND=jax, the optimizer CaffeSGD, or a recipe "
            f"without `clip_norm`. Received: clip_norm={recipe.clip_norm}"
        )


def device_names(count: int) -> list[str]:
    """The first devices of the kind that Keras trains on."""
    backend = keras.backend.backend()
    if backend == "jax":
        names = list(keras.distribution.list_devices())
        advice = "XLA_FLAGS=--xla_force_host_platform_device_count"
    elif backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_logical_devices
        found = devices("GPU") or devices("CPU")
        names = [f"{each.device_type}:{i}" for i, each in enumerate(found)]
        advice = ""
    else:
        raise ValueError(
            f"--devices {count}: Keras trains on one device on {backend}. "
            "Set KERAS_BACKEND=jax or tensorflow."
        )
    if count > len(names):
        kind = names[0].split(":")[0]
        more = f" ({advice}={count} makes more of a CPU, to try it)"
        raise ValueError(
            f"--devices {count}: {backend} sees {len(names)} here, "
            f"{kind}.{more if advice and kind == 'cpu' else ''}"
        )
    return names[:count]


def on_accelerator() -> bool:
    """Whether Keras trains on a GPU or TPU here."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    if backend == "torch":
        import torch

        return torch.cuda.is_available() or torch.backends.mps.is_available()
    return any(map(keras.distribution.list_devices, ("gpu", "tpu")))


@contextlib.contextmanager
def one_device() -> Iterator[None]:
    """Inside, batches of any size are computed."""
    before = keras.distribution.distribution()
    if before is None:
        yield
        return
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)
