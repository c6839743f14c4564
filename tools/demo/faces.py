"""Job 1: two portraits and changed copies, compared by a pretrained network.

Eileen Collins and Grace Hopper (public domain, see docs/licences.md) are
compared with each other, which must give "different", and with their own
mirrored, half-size, JPEG-quality-30, 15-degree-rotated and darkened copies,
which must give "same". Every copy goes the whole way: detection, alignment,
embedding.
"""

from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere.tools.commands.embedder_arguments import MODEL
from keras_hypersphere.tools.demo.faces_picture import draw
from keras_hypersphere.tools.demo.outcome import Outcome
from keras_hypersphere.zoo import FaceEmbedder, images
from keras_hypersphere.zoo.faces.distance import distances

SAMPLES = Path(images.__file__).parent / "samples"
PORTRAITS = {
    "Eileen Collins": SAMPLES / "eileen_collins.png",
    "Grace Hopper": SAMPLES / "grace_hopper.jpg",
}
DEGREES = 15.0
JPEG_QUALITY = 30
DARKER = 0.4


def mirrored(photo: np.ndarray) -> np.ndarray:
    """Left and right exchanged."""
    return np.ascontiguousarray(photo[:, ::-1])


def half_size(photo: np.ndarray) -> np.ndarray:
    """Every 2 x 2 pixels averaged."""
    height, width = photo.shape[:2]
    size = (width // 2, height // 2)
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)


def compressed(photo: np.ndarray) -> np.ndarray:
    """Through a JPEG file of quality 30."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, data = cv2.imencode(".jpg", photo[:, :, ::-1], quality)
    return images.from_array(images.decode(data.tobytes()))


def rotated(photo: np.ndarray) -> np.ndarray:
    """Turned by 15 degrees about its middle, black where nothing was."""
    height, width = photo.shape[:2]
    center = ((width - 1) / 2, (height - 1) / 2)
    turn = cv2.getRotationMatrix2D(center, DEGREES, 1.0)
    return cv2.warpAffine(photo, turn, (width, height))


def darkened(photo: np.ndarray) -> np.ndarray:
    """Two fifths of the light."""
    return np.rint(photo * DARKER).astype(np.uint8)


CHANGES = {
    "original": lambda photo: photo,
    "mirrored": mirrored,
    "half size": half_size,
    f"JPEG {JPEG_QUALITY}": compressed,
    f"turned {DEGREES:g}°": rotated,
    "darkened": darkened,
}


def run(output: Path) -> Outcome:
    """Compares all, prints the distances, and writes `faces.png`.

    Args:
        output: An existing folder for the picture.

    Returns:
        Whether every decision was right, the picture, and the figures.
    """
    embedder = FaceEmbedder.from_preset(MODEL)
    threshold = embedder.card.threshold
    people, labels, photos = [], [], []
    for person, path in PORTRAITS.items():
        portrait = images.read(path)
        for label, change in CHANGES.items():
            people.append(person)
            labels.append(label)
            photos.append(change(portrait))
    found = embedder.embed(photos, details=True, crops=True)
    matrix = distances(found.vectors, found.vectors, embedder.card.distance)
    truth = np.array(people)[:, None] == np.array(people)[None, :]
    right = (matrix < threshold) == truth
    print_matrix(matrix, people, labels)
    print()
    print_decisions(matrix, right, people, labels, threshold)
    picture = output / "faces.png"
    draw(
        picture,
        photos=photos,
        faces=found.faces,
        matrix=matrix,
        people=people,
        labels=labels,
        threshold=threshold,
    )
    pairs = np.triu_indices(len(people), 1)
    same = truth[pairs]
    return Outcome(
        passed=bool(right.all()),
        files=(picture,),
        figures={
            "model": embedder.card.name,
            "threshold": threshold,
            "decisions": len(same),
            "right": int(right[pairs].sum()),
            "largest_distance_same": float(matrix[pairs][same].max()),
            "smallest_distance_different": float(matrix[pairs][~same].min()),
        },
    )


def print_matrix(
    matrix: np.ndarray, people: list[str], labels: list[str]
) -> None:
    """Prints the distance of every photo to every other."""
    names = [
        f"{p.split()[0]}, {c}" for p, c in zip(people, labels, strict=True)
    ]
    width = max(map(len, names))
    numbers = "".join(f"{i:6}" for i in range(1, len(names) + 1))
    print(f"{'distance':<{width + 4}}{numbers}")
    for i, (name, row) in enumerate(zip(names, matrix, strict=True), start=1):
        values = "".join(f"{value:6.2f}" for value in row)
        print(f"{i:2}  {name:<{width}}{values}")


def print_decisions(
    matrix: np.ndarray,
    right: np.ndarray,
    people: list[str],
    labels: list[str],
    threshold: float,
) -> None:
    """Prints what each original is compared with, and the decision."""
    originals = [i for i, label in enumerate(labels) if label == "original"]
    print(f"same person: a distance below {threshold:g}")
    for i in originals:
        for j in range(len(people)):
            own = people[i] == people[j]
            if j == i or (not own and (j not in originals or j < i)):
                continue
            word = "same" if matrix[i, j] < threshold else "different"
            mark = "" if right[i, j] else "  WRONG"
            print(
                f"  {people[i]:<15} and {people[j]}, {labels[j]:<10}  "
                f"{matrix[i, j]:.3f}  {word}{mark}"
            )
    pairs = np.triu_indices(len(people), 1)
    print(
        f"{int(right[pairs].sum())} of {len(pairs[0])} pairs of all photos "
        "decided right"
    )
