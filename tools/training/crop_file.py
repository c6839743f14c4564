"""Photos of people become crops in one file that trains at full speed.

Next to `NAME.rec` stands `NAME.crops.jsonl`: what was asked for, then a line
for each photo, either where its face is, or why it has no crop. Lines are
written before crops, so that a run that was killed goes on where both agree.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.face_files.open_faces import open_faces
from keras_hypersphere.face_files.photo_folders import CROPS
from keras_hypersphere.face_files.record_writer import RecordWriter
from keras_hypersphere.zoo.alignment import FaceDetector, get_template
from keras_hypersphere.zoo.faces.aligned_face import faces_of
from keras_hypersphere.zoo.faces.aligned_faces import PhotoFaces, in_threads
from keras_hypersphere.zoo.photos.crop_list import read_crop_list

LOG = ".crops.jsonl"
# Half a gray level off on average, a third of a PNG's time to decode.
JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, 98),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)
YUNET = FaceDetector()
Progress = Callable[[int, int], None]


def crops_for(
    data: "str | os.PathLike",
    run: "str | os.PathLike",
    template: str = "arcface",
    image_size: tuple[int, int] | None = None,
    aligned: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
    detector: str = "yunet",
) -> FaceSource:
    """The crops to train on, of data in any format.

    Photos are aligned into `RUN/cache/faces.rec`; what was killed goes on,
    and what is there already, of the same data, is taken.

    Args:
        data: What `kh.data.open_faces` opens.
        run: The folder of the training.
        template: A name in `zoo.alignment.TEMPLATES`.
        image_size: (height, width) of the network's input, which crops must
            have. Default: that of the template.
        aligned: Whether the data are crops already: nothing is written. So
            are the folders that `align` wrote, also where nobody says so.
        resume: Whether a cache of other data is an error; it is made anew
            otherwise.
        progress: Called with how many photos are done, of how many.
        detector: `"yunet"` or `"mtcnn"`.

    Returns:
        The crops. `left_out` says why, for photos without a face, for people
        that no photo is left of, and for files that cannot be read.

    Raises:
        ValueError: If no photo has a face, or sizes do not fit.
    """
    source = open_faces(data)
    if aligned:
        return source
    size = get_template(template).size
    if image_size is not None and tuple(image_size) != size:
        raise ValueError(
            f"`image_size` must be that of the template {template}, "
            f"{size[0]} x {size[1]} (height x width). Received: image_size="
            f"{tuple(image_size)}. Choose another `template`, or give crops "
            "of your own with `--aligned`."
        )
    if is_of_align(Path(data), template):
        return source
    path = Path(run) / "cache" / "faces.rec"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not resume and not is_same(path, about(source, template, detector)):
        remove(path)
    cut_crops(source, path, template, FaceDetector(detector), progress=progress)
    crops = open_faces(path)
    crops.left_out = left_out(source, path)
    return crops


def is_of_align(data: Path, template: str) -> bool:
    """Whether a folder holds the crops of `align`, by this template.

    Raises:
        ValueError: If they were made by another one.
    """
    if not (data / CROPS).exists():
        return False
    used = {str(line.get("template")) for line in read_crop_list(data).values()}
    if used - {template}:
        raise ValueError(
            f"'{data}' has crops by the template {', '.join(sorted(used))}, "
            f"and {template} is asked for. Align the photos by it, or say "
            "`--aligned` to take these."
        )
    return True


def cut_crops(
    source: FaceSource,
    path: "str | os.PathLike",
    template: str = "arcface",
    detector: FaceDetector = YUNET,
    choose: str = "largest",
    progress: Progress | None = None,
) -> None:
    """Writes the crop of every photo into one `.rec` file.

    Killed and called again, it goes on; complete, it does nothing.

    Args:
        source: Photos.
        path: The file, which ends with `.rec`.
        template: A name in `zoo.alignment.TEMPLATES`.
        detector: What finds faces.
        choose: Which of several faces, `"largest"` or `"center"`.
        progress: Called with how many photos are done, of how many.

    Raises:
        ValueError: If no photo has a face, or the file that is there is of
            other data.
    """
    path = Path(path)
    wanted = about(source, template, detector.name, choose, detector)
    part = path.with_suffix(".rec.part")
    if (path.exists() or part.exists()) and not is_same(path, wanted):
        there = path if path.exists() else part
        raise ValueError(
            f"'{there}' was not made of '{source.path}' in this way. Remove "
            "it, or name another file."
        )
    if path.exists():
        return
    lines = [line for line in read_log(path)[1:]]
    with RecordWriter(path) as writer:
        kept = as_far_as(lines, len(writer))
    if kept is None:
        # The system itself was broken off: the crops are ahead of the log.
        part.unlink()
        kept = []
    with (
        RecordWriter(path) as writer,
        begun_log(path, [wanted, *kept]) as log,
    ):
        write_crops(
            source, writer, log, kept, template, detector, choose, progress
        )
        people = [
            source.class_names[label]
            for label in sorted(
                {line["label"] for line in kept if "box" in line}
            )
        ]
        if not people:
            raise ValueError(
                f"No face was found in any of the {len(source)} photos of "
                f"'{source.path}'. If they are crops already, say so: "
                "`--aligned`."
            )
        writer.finish(people)


def write_crops(
    source: FaceSource,
    writer: RecordWriter,
    log: Any,
    kept: list[dict[str, Any]],
    template: str,
    detector: FaceDetector,
    choose: str,
    progress: Progress | None,
) -> None:
    """Goes on behind the lines that are kept, and adds to them."""
    photos = np.argsort(source.labels, kind="stable")[len(kept) :].tolist()
    numbers = {line["label"] for line in kept if "box" in line}

    def work(name: str, photo: Any) -> Any:
        return faces_of(name, source.read(photo), template, choose, detector)

    found: Iterator[PhotoFaces] = in_threads(
        work, ((source.names[photo], photo) for photo in photos)
    )
    for photo, faces in zip(photos, found, strict=True):
        label = int(source.labels[photo])
        line: dict[str, Any] = {"photo": faces.name, "label": label}
        line["person"] = source.class_names[label]
        if faces.problem is not None:
            line["why"] = str(faces.problem)
        else:
            first = faces.faces[0]
            line |= {"faces": first.found, **first.face.as_dict()}
            numbers.add(label)
        log.write(json.dumps(line) + "\n")
        log.flush()
        kept.append(line)
        if faces.problem is None:
            writer.append(len(numbers) - 1, encoded(first.crop))
        if progress is not None:
            progress(len(kept), len(source))


def encoded(crop: np.ndarray) -> bytes:
    """The JPEG of a crop."""
    image = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", image, JPEG)
    if not done:
        raise ValueError("OpenCV could not encode a crop as JPEG.")
    return data.tobytes()


def about(
    source: FaceSource,
    template: str,
    detector: str,
    choose: str = "largest",
    settings: FaceDetector | None = None,
) -> dict[str, Any]:
    """What is asked for: the first line of the log."""
    known = hashlib.sha256(np.ascontiguousarray(source.labels).tobytes())
    for name in source.names:
        known.update(os.fsencode(name) + b"\0")
    found = settings or FaceDetector(detector)
    return {
        "data": os.path.abspath(source.path),
        "photos": len(source),
        "sha256": known.hexdigest(),
        "template": template,
        "choose": choose,
        "detector": found.name,
        "min_confidence": found.min_confidence,
        "min_size": found.min_size,
        "turn": found.turn,
    }


def is_same(path: Path, wanted: dict[str, Any]) -> bool:
    """Whether the log of a file begins with what is wanted."""
    lines = read_log(path)
    return bool(lines) and lines[0] == wanted


def remove(path: Path) -> None:
    """Removes a file of crops, its part and its log."""
    for suffix in (".rec", ".rec.part", ".idx", ".classes.json", LOG):
        path.with_suffix(suffix).unlink(missing_ok=True)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The whole lines of the log next to a `.rec` file.

    Raises:
        ValueError: If one is damaged.
    """
    place = path.with_suffix(LOG)
    if not place.exists():
        return []
    text = place.read_bytes()
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        raise ValueError(
            f"'{place}' is damaged. Remove it and '{path}' to begin anew."
        ) from None


def as_far_as(
    lines: list[dict[str, Any]], crops: int
) -> list[dict[str, Any]] | None:
    """The lines up to that of the last crop; None if there are too few."""
    places = [place for place, line in enumerate(lines) if "box" in line]
    if len(places) < crops:
        return None
    return lines[: places[crops - 1] + 1] if crops else []


def begun_log(path: Path, lines: list[dict[str, Any]]) -> Any:
    """The log with these lines, open for more."""
    place = path.with_suffix(LOG)
    with atomic_write(place) as file:
        file.writelines(json.dumps(line).encode() + b"\n" for line in lines)
    return place.open("a", encoding="utf-8")


def left_out(source: FaceSource, path: Path) -> dict[str, str]:
    """Why, for photos and people that have no crop, by name."""
    lines = read_log(path)[1:]
    found = dict(source.left_out)
    found |= {line["photo"]: line["why"] for line in lines if "why" in line}
    for person, photos in lost_people(path).items():
        found[person] = (
            f"{person} is left out: none of {photos} photos has a face."
            if photos > 1
            else f"{person} is left out: the only photo has no face."
        )
    return found


def lost_people(path: "str | os.PathLike") -> dict[str, int]:
    """People without a crop, and how many photos they had."""
    photos: dict[str, int] = {}
    kept: set[str] = set()
    for line in read_log(Path(path))[1:]:
        photos[line["person"]] = photos.get(line["person"], 0) + 1
        if "box" in line:
            kept.add(line["person"])
    return {who: count for who, count in photos.items() if who not in kept}
