"""Batches of photos of a data set, on their way into training."""

from typing import Any

import numpy as np

from keras_hypersphere import arguments, augmentation
from keras_hypersphere.data.balanced_plan import (
    AUGMENTATION,
    BalancedPlan,
    not_negative,
)
from keras_hypersphere.data.face_loader import Augmentation, FaceLoader, chosen
from keras_hypersphere.data.planned_batches import PlannedBatches
from keras_hypersphere.data.shuffled_plan import ShuffledPlan
from keras_hypersphere.face_files.face_source import FaceSource


class FaceBatches(PlannedBatches):
    """Batches of photos and labels, of a data set in any format.

        x = (pixel - mean) * scale        (batch, height, width, channels)
        y = who it is, 0 to classes - 1   (batch,)

    Photos are read, decoded and augmented by threads, ahead of the training.
    Batch i of epoch e is a function of the data set, the arguments, e and i:
    with `follow()` and `ExactResume` a training that was killed goes on with
    the very pixels of the unbroken one.

    Without `people` every photo comes once an epoch, in an order of its own
    for each, and batches are full: what is left over, fewer than a batch, is
    other photos in each epoch. With `people` and `photos` a batch has K photos
    of each of P people, as losses on pairs and triplets need; see
    `BalancedBatches` for their order.

    Args:
        source: `FaceSource`, of `kh.data.open_faces`.
        batch_size: int. With `people` it is P times K. Defaults to `128`.
        image_size: (height, width) of the photos. Defaults to `(112, 112)`.
        mean: float, or one for each of `channels`: what is subtracted from
            pixels, which are 0 to 255. Defaults to `127.5`.
        scale: float, by what the difference is multiplied. Defaults to
            `1 / 128`.
        channels: `"RGB"`, `"BGR"` or `"gray"`, what the network takes.
        augmentation: name of `kh.augmentation.list()`; or a function of an
            image, uint8 RGB, and a `numpy.random.Generator`, that returns an
            image; or None. Defaults to `"mirror"`.
        people: int, P. Defaults to None.
        photos: int >= 2, K. Defaults to None.
        indices: `(N,)` ints, the photos to train on. Labels then number the
            people of these, in the order of the data set. Defaults to None:
            all.
        seed: int >= 0. Defaults to `0`.
        resize: bool, whether photos of another size are resized. Defaults to
            `False`: an error.
        workers: int, threads. Defaults to `2`.
        max_queue_size: int, batches that are made ahead. Defaults to `8`.
        part: (index, count) of the processes that train together: each makes
            its own rows of every batch, in the order of the processes, as
            `keras.distribution` takes them with `auto_shard_dataset=False`.
            Defaults to `(0, 1)`: all rows.

    Attributes:
        classes: int, people.
        class_names: list of their names, in the order of labels.
        labels: `(N,)` int32, of the chosen photos.
        num_photos: int, N.
        batch_size: int, of all processes together; None if batches may
            differ.

    Raises:
        ValueError: If an argument is not one of those above. For a photo
            that cannot be decoded, or has another size, when it is read.

    Example:

    >>> import pathlib, tempfile
    >>> import cv2
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("Ann/1.png", "Ann/2.png", "Bob/1.png"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     _ = cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))
    >>> source = kh.data.open_faces(folder)
    >>> batches = kh.data.FaceBatches(source, 3, image_size=(8, 8))
    >>> x, y = batches[0]
    >>> x.shape, sorted(y.tolist()), batches.class_names
    ((3, 8, 8, 3), [0, 0, 1], ['Ann', 'Bob'])

    A model learns from them by
    `model.fit(batches, callbacks=[batches.follow()])`.

    Reference:
        InsightFace's `MXFaceDataset` with PyTorch's `DataLoader`, whose
        photos and random numbers depend on the worker that reads them; these
        do not.
    """

    def __init__(
        self,
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
        workers: int = 2,
        max_queue_size: int = 8,
        part: tuple[int, int] = (0, 1),
    ) -> None:
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
            part,
        )
        super().__init__(
            faces,
            faces.make,
            0,
            not_negative("workers", workers),
            False,
            not_negative("max_queue_size", max_queue_size),
        )
        self.source = source
        self.class_names = faces.class_names
        self.classes = len(faces.class_names)
        self.labels = faces.labels
        self.photos = faces.photos
        self.num_photos = len(faces.photos)
        self.batch_size = faces.plan.batch_size
        self.seed = faces.plan.seed


class FacePlan:
    """Which photos are in which batch, and what they become.

    Its arguments are those of `FaceBatches`.
    """

    def __init__(
        self,
        source: FaceSource,
        batch_size: int,
        image_size: tuple[int, int],
        mean: Any,
        scale: float,
        channels: str,
        augment: Any,
        people: int | None,
        photos: int | None,
        indices: Any,
        seed: int,
        resize: bool,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self.load = FaceLoader(
            source, image_size, mean, scale, channels, resize
        )
        self.augmentation: Augmentation | None = augmentation.get(augment)
        self.photos = chosen(source, indices)
        known, labels = np.unique(
            source.labels[self.photos], return_inverse=True
        )
        self.labels = labels.astype(np.int32)
        self.class_names = [source.class_names[label] for label in known]
        arguments.positive_integer("batch_size", batch_size)
        if (people is None) != (photos is None):
            raise ValueError(
                "`people` and `photos` go together: a batch has `photos` "
                f"photos of each of `people` people. Received: people={people},"
                f" photos={photos}."
            )
        self.plan: Any
        if people is None or photos is None:
            self.plan = ShuffledPlan(len(self.photos), batch_size, seed)
        else:
            self.plan = BalancedPlan(self.labels, people, photos, seed)
        self.part = checked_part(part, self.plan.batch_size)

    @property
    def batches_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self.plan.batches_per_epoch

    def batch(self, epoch: int, index: int) -> np.ndarray:
        """The photos of a batch, as the source numbers them."""
        return self.photos[self.plan.batch(epoch, index)]

    def make(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The batch of a step, counted from the first of epoch 0."""
        step = int(step)
        places = self.plan.batch(*divmod(step, self.batches_per_epoch))
        first, end = self.rows(len(places))

        def draw(row: int) -> np.random.Generator:
            # A generator for each photo: a part of the batch is the same as
            # in the whole.
            return np.random.default_rng(
                [self.plan.seed, AUGMENTATION, step, first + row]
            )

        places = places[first:end]
        x = self.load(self.photos[places], self.augmentation, draw)
        return x, self.labels[places]

    def rows(self, size: int) -> tuple[int, int]:
        """The rows of a batch that are made here: from, and up to."""
        index, count = self.part
        return index * size // count, (index + 1) * size // count


def checked_part(
    part: tuple[int, int], batch_size: int | None
) -> tuple[int, int]:
    """Which rows of batches are made, or an error."""
    try:
        index, count = part
        sound = 0 <= index < count and index == int(index)
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise ValueError(
            "`part` must be (index, count) of this process, with index from 0 "
            f"to count - 1. Received: part={part!r}."
        )
    if count > 1 and (batch_size is None or batch_size % count):
        raise ValueError(
            f"`part`: batches must have a multiple of {count} photos, as many "
            f"for each process. Received: batch_size={batch_size}."
        )
    return int(index), int(count)
