"""Photos that several files of tests measure."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere import zoo

SAMPLES = Path(zoo.__file__).parent / "samples"
PEOPLE = {"Eileen": "eileen_collins.png", "Grace": "grace_hopper.jpg"}


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    """Videos of two frames each, and a distractor who is one of them."""
    folder = tmp_path_factory.mktemp("sets")
    (folder / "others").mkdir()
    points = {}
    for name, file in PEOPLE.items():
        image = cv2.imread(str(SAMPLES / file))
        [face, *_] = zoo.alignment.detect(image[:, :, ::-1])
        for video in "0123":
            target = folder / "images" / name / video
            target.mkdir(parents=True)
            for frame in (9, 10):
                shade = 1 - 0.1 * int(video) - 0.02 * frame
                cv2.imwrite(
                    str(target / f"{video}.{frame}.jpg"),
                    (image * shade).astype(np.uint8),
                )
                points[f"{name}/{video}/{video}.{frame}.jpg"] = face.landmarks
    cv2.imwrite(str(folder / "others" / "one.png"), image[:, ::-1])
    mirrored = face.landmarks[[1, 0, 2, 4, 3]]
    points["one.png"] = [image.shape[1] - 1, 0] + mirrored * [-1, 1]
    np.savez(
        folder / "landmarks.npz",
        names=list(points),
        landmarks=list(points.values()),
    )
    lines = []
    for fold, (a, b) in enumerate(["01", "23"], 1):
        for one, other in (("Eileen", "Grace"), ("Grace", "Eileen")):
            lines.append(f"{fold}, 1, {one}/{a}, {one}/{b}, 1")
            lines.append(f"{fold}, 2, {one}/{a}, {other}/{b}, 0")
    (folder / "splits.txt").write_text("\n".join(lines))
    return folder
