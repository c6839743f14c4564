"""The files that the pages name, made of the package's samples.

Two portraits stand for all photos, the digit network for all Caffe models.
"""

import shutil
from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
from keras_hypersphere.zoo import images
from tests.docs.blocks import ROOT

SAMPLES = ROOT / "zoo" / "samples"
EILEEN, GRACE = SAMPLES / "eileen_collins.png", SAMPLES / "grace_hopper.jpg"
# YouTube Faces' list: two folds, each with both kinds of pairs.
SPLITS = "split, number, first, second, same\n" + "".join(
    f"{fold}, {fold * 4 + pair}, Ann/{pair}, {name}/{fold}, {same}\n"
    for fold in (1, 2)
    for pair, (name, same) in enumerate(
        [("Ann", 1), ("Ben", 0), ("Ann", 1), ("Ben", 0)], 3
    )
)
PEOPLE = {"Eileen": EILEEN, "Grace": GRACE}


def write(path: str, pixels: np.ndarray) -> None:
    """An RGB picture, in a folder that is made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(path, np.ascontiguousarray(pixels[..., ::-1]))


def photos_of(portrait: Path) -> list[np.ndarray]:
    """Eight photos of one: lighter, darker, smaller, turned, mirrored."""
    photo, found = images.read(portrait), []
    height, width = photo.shape[:2]
    for side in (photo[:, ::-1], photo):
        side = np.ascontiguousarray(side)
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 10, 1.0)
        found += [
            side,
            (side * 0.6).astype(np.uint8),
            cv2.resize(side, (width * 2 // 3, height * 2 // 3)),
            cv2.warpAffine(side, turn, (width, height)),
        ]
    return found


def make() -> None:
    """Writes them into the working directory."""
    make_photos()
    for folder in ("zoo", "tools"):
        Path(folder).symlink_to(ROOT / folder)
    Path("splits.txt").write_text(SPLITS)
    shutil.copy(PROTOTXT, "deploy.prototxt")
    shutil.copy(CAFFEMODEL, "model.caffemodel")
    assert main(["embed", "people/", "-o", "photos.npz"]) == 0
    assert main(["align", "people/", "-o", "train.rec"]) == 0
    shutil.copytree("people/Grace", "held-out/Grace")
    assert main(["align", "held-out/", "-o", "evaluation.rec"]) == 0
    assert main(["gallery", "build", "people/", "-o", "others.npz"]) == 0


def make_photos() -> None:
    """The photos and the film."""
    eileen, grace = images.read(EILEEN), images.read(GRACE)
    shutil.copy(EILEEN, "eileen.png")
    shutil.copy(GRACE, "grace.jpg")
    for person, portrait in PEOPLE.items():
        for number, photo in enumerate(photos_of(portrait), 1):
            write(f"people/{person}/{number}.png", photo)
    write("photos/collins.jpg", eileen)
    write("photos/hopper.jpg", grace)
    write("photos/wall.png", np.full((300, 300, 3), 90, np.uint8))
    data = GRACE.read_bytes()
    Path("photos/damaged.jpg").write_bytes(data[: len(data) // 2])
    pairs = "collins.jpg collins.jpg 1\ncollins.jpg hopper.jpg 0\n"
    Path("my-pairs.txt").write_text(5 * pairs)
    shutil.copy(EILEEN, "photo.jpg")
    write("group.jpg", np.hstack([eileen, grace[44:556]]))
    write("sideways.png", np.rot90(grace, -1))
    write("group.png", np.hstack([eileen, grace[44:556]]))
    film()


def film() -> None:
    """Twenty frames of two people."""
    codec = cv2.VideoWriter_fourcc(*"MJPG")
    file = cv2.VideoWriter("film.avi", codec, 10, (512, 512))
    for place in range(20):
        pixels = images.read(EILEEN if place < 10 else GRACE)[:512]
        file.write(np.ascontiguousarray(pixels[..., ::-1]))
    file.release()
