"""Photos of people become crops in one Parquet file.

They are cut into `NAME.parquet.crops/faces.rec` first, which goes on after a
kill. Only the complete file is written as a table, whole or not at all. Then
it goes, and the folder keeps the log of the crops.
"""

import functools
import json
import os
from pathlib import Path

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.face_files.columns import pyarrow
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.face_files.open_faces import open_faces
from keras_hypersphere.tools.training.crop_file import (
    YUNET,
    Progress,
    about,
    cut_crops,
    is_same,
    read_log,
)
from keras_hypersphere.zoo.alignment import FaceDetector

# A reader unpacks a whole group for one photo.
GROUP = 100


def records_of(path: Path) -> Path:
    """The file that crops are cut into before the table is written."""
    return path.with_name(f"{path.name}.crops") / "faces.rec"


def cut_crop_table(
    source: FaceSource,
    path: "str | os.PathLike",
    template: str = "arcface",
    detector: FaceDetector = YUNET,
    choose: str = "largest",
    progress: Progress | None = None,
) -> None:
    """Writes the crop of every photo into one `.parquet` file.

    Arguments and errors are those of `crop_file.cut_crops`.
    """
    pyarrow()
    path = Path(path)
    records = records_of(path)
    if path.exists():
        wanted = about(source, template, detector.name, choose, detector)
        if not is_same(records, wanted):
            raise ValueError(
                f"'{path}' was not made of '{source.path}' in this way. "
                "Remove it, or name another file."
            )
    else:
        records.parent.mkdir(exist_ok=True)
        cut_crops(
            source, records, template, detector, choose, progress=progress
        )
        names = [
            line["photo"] for line in read_log(records)[1:] if "box" in line
        ]
        with open_faces(records) as crops:
            write_table(crops, names, path)
    for suffix in (".rec", ".idx", ".classes.json"):
        records.with_suffix(suffix).unlink(missing_ok=True)
    (records.parent / "property").unlink(missing_ok=True)


def write_table(crops: FaceSource, names: list[str], path: Path) -> None:
    """Writes photos as Hugging Face's `Image` and `ClassLabel` features."""
    library = pyarrow()
    features = {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": crops.class_names},
    }
    texts = functools.partial(str.encode, encoding="utf-8", errors="replace")
    photo = library.struct(
        [("bytes", library.binary()), ("path", library.string())]
    )
    schema = library.schema(
        [("image", photo), ("label", library.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    with (
        atomic_write(path) as file,
        library.parquet.ParquetWriter(file, schema) as writer,
    ):
        for begin in range(0, len(crops), GROUP):
            rows = range(begin, min(begin + GROUP, len(crops)))
            images = [
                {"bytes": crops.read(row), "path": texts(names[row]).decode()}
                for row in rows
            ]
            labels = crops.labels[begin : rows.stop].tolist()
            writer.write_table(
                library.table({"image": images, "label": labels}, schema)
            )
