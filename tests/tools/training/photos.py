"""Photos of the samples as people, and crops of them."""

import cv2
import numpy as np

from keras_hypersphere import zoo
from tests.tools.commands.conftest import PEOPLE, SAMPLES


def photos(folder, counts=(3, 3)):
    """Photos of two people, each of another brightness; and their folder."""
    for (name, file), count in zip(PEOPLE.items(), counts, strict=True):
        image = cv2.imread(str(SAMPLES / file))
        (folder / name).mkdir(parents=True)
        for number in range(count):
            shade = 1 - 0.15 * number
            darker = (image * shade).astype(np.uint8)
            assert cv2.imwrite(str(folder / name / f"{number}.jpg"), darker)
    return folder


def crops(folder, counts=(3, 3), template="arcface", change=None):
    """Crops of them, as PNG, changed."""
    from keras_hypersphere import data

    people = photos(folder.with_name(folder.name + "-photos"), counts)
    for path in sorted(people.rglob("*.jpg")):
        image = zoo.images.read(path)
        crop = zoo.alignment.align(
            image, zoo.alignment.detect(image)[0], template, antialias=True
        )
        crop = crop if change is None else change(crop)
        place = folder / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{path.stem}.png"), crop[..., ::-1])
    return data.open_faces(folder)
