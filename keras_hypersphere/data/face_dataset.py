"""The batches of `FaceBatches` as a `tf.data.Dataset`."""

from typing import Any

import numpy as np

from keras_hypersphere.backend import datasets
from keras_hypersphere.data.balanced_dataset import Passes
from keras_hypersphere.data.face_batches import FacePlan
from keras_hypersphere.face_files.face_source import FaceSource


def face_dataset(
    source: FaceSource,
    batch_size: int = 128,
    image_size: tuple[int, int] = (112, 112),
    mean: Any = 127.5,
    scale: float = 1 / 128,
    channels: str = "RGB",
    augmentation: Any = "mirror",
    people: int | None = None,
    photos: int | None = None,
    indices: Any = None,
    seed: int = 0,
    resize: bool = False,
) -> Any:
    """The batches of `FaceBatches` as a `tf.data.Dataset`, bit for bit.

    Every pass over the data set is the next epoch; `dataset.follow()` is the
    callback that keeps it at that of `fit`. Batches are made in parallel, by
    `tf.data`'s own threads, and divided among replicas under `tf.distribute`.

    Args:
        source: `FaceSource`, of `kh.data.open_faces`.
        batch_size: int, as the other arguments those of `FaceBatches`.
        image_size: (height, width).
        mean: float or one a channel.
        scale: float.
        channels: `"RGB"`, `"BGR"` or `"gray"`.
        augmentation: name, function or None.
        people: int or None, P.
        photos: int or None, K.
        indices: `(N,)` ints or None.
        seed: int >= 0.
        resize: bool.

    Returns:
        A `tf.data.Dataset` of `(x, labels)` that knows its length, with
        `follow()`.

    Raises:
        ValueError: As `FaceBatches` does.

    Example:

    >>> import pathlib, tempfile
    >>> import cv2
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("Ann/1.png", "Ann/2.png", "Bob/1.png"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     _ = cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))
    >>> source = kh.data.open_faces(folder)
    >>> dataset = kh.data.face_dataset(source, 3, image_size=(8, 8))
    >>> x, y = dataset.element_spec
    >>> tuple(x.shape), tuple(y.shape), len(dataset)
    ((3, 8, 8, 3), (3,), 1)

    Reference:
        That of `FaceBatches`; the batches are the same.
    """
    faces = FacePlan(
        source,
        batch_size,
        image_size,
        mean,
        scale,
        channels,
        augmentation,
        people,
        photos,
        indices,
        seed,
        resize,
    )
    passes = Passes(faces, 0, "face_dataset", steps=True)
    dataset = datasets.tensorflow_dataset(
        passes,
        faces.batches_per_epoch,
        faces.plan.batch_size,
        faces.make,
        example=np.int64(0),
    )
    dataset.follow = passes.follow
    return dataset
