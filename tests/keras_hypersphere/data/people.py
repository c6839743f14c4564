"""A folder of people, every photo of which is known by its pixels."""

import cv2
import numpy as np

from keras_hypersphere.face_files.open_faces import open_faces


def picture(person, photo, size=(16, 14)):
    """Noise of its own, RGB."""
    draw = np.random.default_rng([person, photo])
    return draw.integers(0, 256, (*size, 3), np.uint8)


def people(folder, counts=(5, 4, 3, 1), size=(16, 14)):
    """People `p0`, `p1`, … with so many photos each, as PNG."""
    for person, count in enumerate(counts):
        place = folder / f"p{person}"
        place.mkdir(parents=True)
        for photo in range(count):
            image = picture(person, photo, size)[:, :, ::-1]
            assert cv2.imwrite(str(place / f"{photo}.png"), image)
    return open_faces(folder)
