"""Verification after each epoch, on people who are not trained on."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.callbacks.anatomy import Anatomy
from keras_hypersphere.callbacks.verification_callback import (
    VerificationCallback,
)
from keras_hypersphere.evaluation.pair_lists import (
    PairList,
    read_lfw_pairs,
    read_pairs,
)
from keras_hypersphere.evaluation.scores import larger_is_same
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.face_files.verification_bin import (
    read_verification_bin,
)
from keras_hypersphere.tools.evaluation.listed_crops import Failure, crops_of
from keras_hypersphere.tools.training.averages import averaged_weights
from keras_hypersphere.tools.training.devices import one_device
from keras_hypersphere.tools.training.held_out_pairs import (
    split_people,
    validation_pairs,
)
from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.runtimes.preprocessing import LUMA

__all__ = [
    "Faces",
    "Validation",
    "split_people",
    "validation_pairs",
    "validation_set",
]

PEOPLE, NONE = "people", "none"


class Crops(keras.utils.PyDataset):
    """Batches of what a network takes, of crops that are held as uint8.

    Args:
        pixels: `(n, height, width, 3)` uint8, RGB.
        mean, scale, channels: `(pixel - mean) * scale` in the order
            `"RGB"`, `"BGR"` or of `"gray"`, as in a card.
        batch_size: Photos in a batch.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        mean: Any = 127.5,
        scale: float = 1 / 128,
        channels: str = "RGB",
        batch_size: int = 64,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.mean = np.asarray(mean, np.float32)
        self.scale = np.float32(scale)
        self.channels = channels
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.pixels) // self.batch_size)

    def __getitem__(self, index: int) -> np.ndarray:
        start = index * self.batch_size
        x = self.pixels[start : start + self.batch_size].astype(np.float32)
        if self.channels == "BGR":
            x = x[..., ::-1]
        elif self.channels == "gray":
            x = (x @ LUMA)[..., None]
        return (x - self.mean) * self.scale


@dataclasses.dataclass(frozen=True, eq=False)
class Faces:
    """What a model is measured on.

    Args:
        images: `(n, h, w, c)` inputs of the network, or batches of them.
        pairs: `(P, 2)` places in `images`.
        same: `(P,)` booleans.
        name: What it is, in words.
        people: Names of the people in it, where they are known.
        left_out: Photos without a crop, and why; their pairs are left out.
    """

    images: Any
    pairs: np.ndarray
    same: np.ndarray
    name: str
    people: Sequence[str] = ()
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)


def validation_set(
    what: "str | os.PathLike",
    source: FaceSource,
    indices: np.ndarray | None = None,
    image_size: tuple[int, int] = (112, 112),
    mean: Any = 127.5,
    scale: float = 1 / 128,
    channels: str = "RGB",
    template: str = "arcface",
    seed: int = 0,
) -> Faces | None:
    """Finds the photos and pairs that a training is measured on.

    Args:
        what: `"people"`: those of `indices`. A file of pairs, LFW's
            `pairs.txt` or lines of `path_a path_b 0|1`, whose photos are
            names of `source` or lie next to the file, in `images` next to
            it, or below the data. An InsightFace `.bin`. Or `"none"`.
        source: The photos of the training.
        indices: Those of the people held out.
        image_size: Height and width of a crop.
        mean, scale, channels: How crops become inputs of the network.
        template: What photos that are no crops are aligned to.
        seed: What draws pairs of held-out people.

    Returns:
        None for `"none"`.

    Raises:
        FileNotFoundError: If the file, or a photo of it, is not there.
        ValueError: If a file is damaged, photos have another size, or there
            are no pairs of one kind.
    """
    if what == NONE:
        return None

    def faces(crops: Sequence[np.ndarray], *rest: Any) -> Faces:
        pixels = np.stack(crops)
        return Faces(Crops(pixels, mean, scale, channels), *rest)

    if what == PEOPLE:
        if indices is None:
            raise ValueError(
                "`indices` must be the photos of the people held out, as "
                "`split_people` gives them. Received: indices=None"
            )
        pairs, same = validation_pairs(source, indices, seed)
        # Only photos that are in a pair are read.
        used, places = np.unique(pairs, return_inverse=True)
        photos = np.asarray(indices)[used]
        crops = read_crops(source.read, photos, source.names, image_size)
        people = np.unique(np.asarray(source.labels)[photos])
        names = [source.class_names[label] for label in people]
        return faces(
            crops,
            places.reshape(pairs.shape),
            same,
            f"{len(people)} people held out",
            names,
        )
    path = Path(what)
    if path.suffix == ".bin":
        data, same = read_verification_bin(path)
        place: dict[bytes, int] = {}
        order = [place.setdefault(photo, len(place)) for photo in data]
        once = list(place)
        called = [f"A photo of '{path}'"] * len(once)
        crops = read_crops(
            once.__getitem__, range(len(once)), called, image_size
        )
        return faces(crops, np.reshape(order, (-1, 2)), same, path.name)
    found, listed, left_out = listed_pairs(path, source, image_size, template)
    left, right = listed.indices()
    names = listed.photos()
    kept = {name: place for place, name in enumerate(found)}
    whole = np.array([name in kept for name in names])
    usable = whole[left] & whole[right]
    new = np.array([kept.get(name, -1) for name in names])
    pairs = np.stack([new[left], new[right]], axis=1)[usable]
    return faces(
        list(found.values()),
        pairs,
        listed.same[usable],
        path.name,
        sorted({Path(name).parent.name for name in names} - {""}),
        left_out,
    )


def listed_pairs(
    path: Path, source: FaceSource, image_size: tuple[int, int], template: str
) -> tuple[dict[str, np.ndarray], PairList, dict[str, str]]:
    """Crops of the photos of a list by name, the list, and what is lost."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file '{path}' to validate with. Expected "
            "`people`, `none`, a .bin, or a list of pairs."
        )
    words = path.read_text(encoding="utf-8").split("\n", 1)[0].split()
    own = 0 < len(words) <= 2 and all(word.isdigit() for word in words)
    listed = (read_lfw_pairs if own else read_pairs)(path)
    names = listed.photos()
    places = {name: i for i, name in enumerate(source.names)}
    if all(name in places for name in names):
        crops = read_crops(
            source.read, [places[n] for n in names], source.names, image_size
        )
        return dict(zip(names, crops, strict=True)), listed, {}
    folders = [path.parent, path.parent / "images", Path(source.path)]
    folder = next((f for f in folders if (f / names[0]).is_file()), folders[0])
    listed.require_photos(folder)
    first = images.read(folder / names[0], partial=True)
    if first.shape[:2] == tuple(image_size):
        crops = read_crops(
            lambda i: (folder / names[i]).read_bytes(),
            range(len(names)),
            names,
            image_size,
        )
        return dict(zip(names, crops, strict=True)), listed, {}
    made: dict[str, np.ndarray] = {}
    lost: dict[str, str] = {}
    rule = "center" if own else "largest"
    crop_list = crops_of(folder, names, template, None, rule)
    for name, crop in zip(names, crop_list, strict=True):
        if isinstance(crop, Failure):
            lost[name] = crop.reason
        else:
            made[name] = crop
    if not made:
        raise ValueError(
            f"None of the {len(names)} photos of '{path}' gave a face; the "
            f"first: {lost[names[0]]}."
        )
    return made, listed, lost


def read_crops(
    read: Callable[[int], bytes],
    indices: Any,
    names: Any,
    image_size: tuple[int, int],
) -> list[np.ndarray]:
    """Decodes photos that are crops already, RGB, uint8.

    Raises:
        ValueError: If one has another size.
    """
    crops = []
    for index in indices:
        index = int(index)
        crop = images.read(read(index), name=names[index])
        if crop.shape[:2] != tuple(image_size):
            height, width = image_size
            raise ValueError(
                f"{names[index]} must be a crop of {height} x {width} pixels "
                "(height x width) to validate with. Received: "
                f"{crop.shape[0]} x {crop.shape[1]}. Take a recipe or a "
                "validation of one size, or `--validation none`."
            )
        crops.append(crop)
    return crops


class Validation(VerificationCallback):
    """Logs verification of held-out pairs after each epoch.

    `val_auc`, `val_eer`, `val_tar_at_far_0.01`, `val_accuracy` and
    `val_threshold`. The accuracy is the mean of the true accept and the true
    reject rate, so that pairs of one kind do not outweigh the other; on as
    many of each it is the plain one. It is that of the best threshold, found
    on these pairs, so a little high. Each photo is embedded once. A training
    with EMA is measured with its averaged weights.

    Args:
        faces: What is measured.
        backbone: Inputs to embeddings.
        distance: `"cosine"`, `"l2"` or `"squared-l2"`, as in a card; the
            threshold is one of it. Default: `"cosine"`.
        batch_size: Photos in a batch. Default: 64.
        far: False accept rates. Default: `(0.01, 0.001)`, of which those
            are logged that the different pairs are enough for.
    """

    def __init__(
        self,
        faces: Faces,
        backbone: keras.Model,
        distance: str = "cosine",
        batch_size: int = 64,
        far: float | Sequence[float] | None = None,
    ) -> None:
        different = int((~np.asarray(faces.same)).sum())
        if far is None:
            far = [0.01] + ([0.001] if different >= 1000 else [])
        super().__init__(
            images=faces.images,
            pairs=faces.pairs,
            same=faces.same,
            distance=distance,
            batch_size=batch_size,
            prefix="val_",
            far=far,
        )
        if isinstance(faces.images, Crops):
            faces.images.batch_size = batch_size
        self.faces, self.backbone = faces, backbone
        self.threshold = float("nan")
        self.accuracy = float("nan")

    def set_model(self, model: keras.Model) -> None:
        keras.callbacks.Callback.set_model(self, model)
        self.parts = Anatomy(self.backbone, [])

    def measured(self, epoch: int) -> dict[str, float]:
        self.report, self.threshold, self.accuracy = None, *2 * [float("nan")]
        with averaged_weights(self.model), one_device():
            found = super().measured(epoch)
        if self.report is not None:
            balanced = (self.report.tar + 1 - self.report.far) / 2
            [best] = np.nonzero(balanced == balanced.max())
            # The report's own stands in the widest gap between two scores.
            own = np.flatnonzero(
                self.report.thresholds[best] == self.report.threshold
            )
            place = best[own[0] if len(own) else len(best) // 2]
            self.accuracy = float(balanced[place])
            self.threshold = float(
                self.as_distance(self.report.thresholds[place])
            )
        return {
            **found,
            "accuracy": self.accuracy,
            "threshold": self.threshold,
        }

    def as_distance(self, score: Any) -> Any:
        """A score of the report as the card's distance."""
        return 1.0 - score if larger_is_same(self.distance) else score

    def rates(self, count: int = 40) -> list[dict[str, float]]:
        """The errors at thresholds, as a card holds them: see `Card.rates`."""
        if self.report is None:
            return []
        thresholds = self.as_distance(self.report.thresholds)
        order = np.flatnonzero(np.isfinite(thresholds) & (thresholds > 0))
        if not len(order):
            return []
        chosen = np.unique(np.linspace(0, len(order) - 1, count).astype(int))
        return [
            {
                "threshold": float(thresholds[i]),
                "far": float(self.report.far[i]),
                "frr": float(1 - self.report.tar[i]),
            }
            for i in order[chosen]
        ]
