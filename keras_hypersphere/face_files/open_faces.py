"""Which format a data set of faces is in."""

import glob
import os
import re
from pathlib import Path

from keras_hypersphere.face_files.crc32c import crc32c, masked
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.face_files.lmdb_source import LmdbSource
from keras_hypersphere.face_files.open_file import OpenFile, read_json
from keras_hypersphere.face_files.parquet_source import MAGIC, ParquetSource
from keras_hypersphere.face_files.people_source import PeopleSource
from keras_hypersphere.face_files.record_io import MAGIC_BYTES
from keras_hypersphere.face_files.record_source import RecordSource
from keras_hypersphere.face_files.saved_source import (
    SPLITS,
    STATE,
    SavedSource,
)
from keras_hypersphere.face_files.texts import shown
from keras_hypersphere.face_files.tfrecord_source import HEAD, TfrecordSource

# An Arrow stream begins with a mark and a length.
STREAM = b"\xff\xff\xff\xff"
# Where LMDB's magic number stands.
LMDB, LMDB_PLACE = b"\xde\xc0\xef\xbe", 16
# `train-00000-of-00002`, as shards are numbered; some have a hash, too.
SHARD = re.compile(r"[-_.]?\d+(-of-\d+)?(-[0-9a-f]{16})?$")
EXPECTED = (
    "a folder of people, a .rec file (MXNet RecordIO), an LMDB of Caffe, "
    "TFRecord or Parquet files, or a folder of Hugging Face's save_to_disk"
)


def open_faces(path: "str | os.PathLike") -> FaceSource:
    """Opens a data set of faces, in any of the formats that people have.

    | `path` | what it is |
    |---|---|
    | folder | a folder of photos for each person, at any depth |
    | `.rec` | RecordIO of InsightFace or im2rec; its `.idx` next to it |
    | LMDB folder or `.mdb` | Caffe's Datum, planes of BGR or encoded |
    | TFRecord | one file, a folder of them, or a pattern such as `a-*` |
    | Parquet | one file, a folder of them, or a pattern |
    | saved data set | a folder that `save_to_disk` of datasets wrote |

    The contents of a file say what it is, not its name. Nothing is decoded
    or copied, and a million photos are indexed in a second or two. Parquet
    and saved data sets need pyarrow: `keras-hypersphere[parquet]`.

    Args:
        path: String or path.

    Returns:
        A `FaceSource`: `len(source)`, `source.labels`, `source.class_names`,
        `source.names` and `source.read(i)`, the bytes of an image file. It
        is a context manager, and can be sent to other processes.

    Raises:
        FileNotFoundError: If nothing is there.
        ValueError: If it is in no format of these, or damaged: the message
            names the file and the byte.
        ImportError: If pyarrow is needed and not installed.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("Ann/1.jpg", "Ann/2.jpg", "Bob/1.jpg"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     _ = (folder / name).write_bytes(b"a photo")
    >>> with kh.data.open_faces(folder) as source:
    ...     print(len(source), source.labels, source.class_names)
    ...     print(source.names[2], source.read(2))
    3 [0 0 1] ['Ann', 'Bob']
    Bob/1.jpg b'a photo'

    Reference:
        RecordIO: `recordio.h` of dmlc-core and `rec_builder.py` of
        InsightFace. LMDB: `convert_imageset.cpp` of Caffe. TFRecord:
        https://www.tensorflow.org/tutorials/load_data/tfrecord. We differ
        from InsightFace's reader where float32 has rounded the counts of
        more than 16,777,216 photos: headers are counted there.
    """
    place = Path(path)
    if not os.fspath(path):
        raise FileNotFoundError("There is no data set ''.")
    if place.is_dir():
        return open_folder(place)
    if place.exists():
        return open_files(place, [place])
    files = [Path(name) for name in sorted(glob.glob(str(place)))]
    if not files:
        raise FileNotFoundError(
            f"There is no data set '{place}'. Expected {EXPECTED}."
        )
    return open_files(place, files)


def open_folder(folder: Path) -> FaceSource:
    """Opens what a folder holds."""
    if (folder / "data.mdb").exists():
        return LmdbSource(folder)
    if (folder / STATE).exists():
        return SavedSource(folder)
    if (folder / SPLITS).exists():
        splits = read_json(folder / SPLITS, dict).get("splits")
        if isinstance(splits, list) and len(splits) == 1:
            return SavedSource(folder / str(splits[0]))
        raise ValueError(
            f"'{folder}' holds several data sets: {shown(str(splits))}. "
            f"Name one, such as '{folder / 'train'}'."
        )
    if (folder / "CURRENT").exists() and any(folder.glob("MANIFEST-*")):
        raise ValueError(
            f"'{folder}' is a LevelDB, which nothing here reads. Make an LMDB "
            "of it: `convert_imageset -backend lmdb`."
        )
    records = sorted(folder.glob("*.rec"))
    if len(records) > 1 and folder / "train.rec" not in records:
        raise ValueError(
            f"'{folder}' holds several .rec files. Name one, such as "
            f"'{records[0]}'."
        )
    if records:
        train = folder / "train.rec"
        return RecordSource(train if train in records else records[0])
    for pattern in ("*.parquet", "data/*.parquet", "*.tfrec*"):
        if files := sorted(folder.glob(pattern)):
            return open_files(folder, files)
    return PeopleSource(folder)


def open_files(path: Path, files: list[Path]) -> FaceSource:
    """Opens files of one format, by how the first begins."""
    sets = sorted({SHARD.sub("", file.stem) for file in files})
    if path.is_dir() and len(sets) > 1:
        raise ValueError(
            f"'{path}' holds several data sets: {', '.join(sets[:5])}. Name "
            f"one with a pattern, such as '{files[0].parent / sets[-1]}*'."
        )
    first = files[0]
    file = OpenFile(first, keep=False)
    head = file.read(0, min(file.size, 64))
    if not head:
        raise ValueError(f"'{first}' is empty.")
    if head.startswith(MAGIC):
        return ParquetSource(path, files)
    if is_tfrecord(head):
        return TfrecordSource(path, files)
    if len(files) > 1:
        raise ValueError(
            f"'{path}' is {len(files)} files, and '{first}' is no TFRecord or "
            "Parquet file. Name one file."
        )
    if head.startswith(MAGIC_BYTES):
        return RecordSource(first)
    if head.startswith(STREAM):
        return SavedSource(first)
    if head[LMDB_PLACE:].startswith(LMDB):
        return LmdbSource(first)
    raise unknown(file, head)


def is_tfrecord(head: bytes) -> bool:
    """Whether a length and its checksum stand at the beginning."""
    if len(head) < HEAD.size:
        return False
    return masked(crc32c(head[:8])) == HEAD.unpack_from(head)[1]


def unknown(file: OpenFile, head: bytes) -> ValueError:
    """The error of a file in no format of these."""
    path = file.path
    suffix = path.suffix.lower()
    if suffix == ".idx" and path.with_suffix(".rec").exists():
        hint = f"Name '{path.with_suffix('.rec')}'"
    elif suffix in (".bin", ".pkl") or head[:1] == b"\x80":
        hint = (
            "Pairs for verification are read by `kh.data.read_verification_bin`"
        )
    elif head.startswith(b"\x1f\x8b"):
        hint = "It is compressed: unpack it with `gunzip`"
    elif suffix in (".rec", ".tfrecord", ".tfrecords", ".mdb", ".parquet"):
        return file.damaged(0, f"a {suffix} file begins with other bytes")
    else:
        hint = "Check its name"
    return ValueError(
        f"'{path}' is in no format that is known here. Expected {EXPECTED}. "
        f"{hint}."
    )
