"""How long it takes to open a million photos, and to read one.

    .venv/bin/python tests/benchmarks/face_files.py [photos]

Each format in a fresh process: seconds until labels are there, megabytes
that took, and microseconds of a read in random order. Photos are of 300
bytes: this is about the index. Files lie in the page cache.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from keras_hypersphere.face_files.crc32c import crc32c, masked
from keras_hypersphere.face_files.open_faces import open_faces
from keras_hypersphere.face_files.record_writer import RecordWriter
from keras_hypersphere.face_files.tfrecord_source import CRC, HEAD

PEOPLE, BYTES, READS = 100_000, 300, 20_000


def photos(count):
    """`(label, photo)`, those of a person together."""
    draw = np.random.default_rng(0)
    different = [draw.bytes(BYTES) for _ in range(1000)]
    for index in range(count):
        yield index * PEOPLE // count, different[index % 1000]


def write_records(folder, count):
    with RecordWriter(folder / "train.rec") as writer:
        for label, photo in photos(count):
            writer.append(label, photo)
        writer.finish([str(label) for label in range(PEOPLE)])
    (folder / "train.classes.json").unlink()
    yield "RecordIO", folder / "train.rec"
    bare = folder / "bare"
    bare.mkdir()
    (bare / "train.rec").symlink_to(folder / "train.rec")
    yield "RecordIO without .idx", bare / "train.rec"


def write_examples(folder, count):
    with (folder / "faces.tfrecord").open("wb") as file:
        for label, photo in photos(count):
            number = bytes([label & 127 | 128, label >> 7 & 127 | 128])
            number += bytes([label >> 14])
            value = b"\x1a\x05\x0a\x03" + number
            first = entry(b"label", value)
            value = b"\x0a" + sized(b"\x0a" + sized(photo))
            features = first + entry(b"image_raw", value)
            data = b"\x0a" + sized(features)
            length = len(data).to_bytes(8, "little")
            file.write(HEAD.pack(len(data), masked(crc32c(length))))
            file.write(data + CRC.pack(masked(crc32c(data))))
    yield "TFRecord", folder / "faces.tfrecord"


def entry(name, value):
    """A feature by name."""
    return b"\x0a" + sized(b"\x0a" + sized(name) + b"\x12" + sized(value))


def sized(data):
    """A length of up to 14 bits, and the data."""
    if len(data) < 128:
        return bytes([len(data)]) + data
    return bytes([len(data) & 127 | 128, len(data) >> 7]) + data


def write_lmdb(folder, count):
    import lmdb

    base = lmdb.open(str(folder / "lmdb"), map_size=2**34, sync=False)
    with base, base.begin(write=True) as work:
        for index, (label, photo) in enumerate(photos(count)):
            number = bytes([label & 127 | 128, label >> 7 & 127 | 128])
            number += bytes([label >> 14])
            datum = b"\x22" + sized(photo) + b"\x28" + number + b"\x38\x01"
            work.put(b"%08d_a.jpg" % index, datum, append=True)
    yield "LMDB", folder / "lmdb"


def write_tables(folder, count):
    import pyarrow
    import pyarrow.parquet

    labels, images = zip(*photos(count), strict=True)
    table = pyarrow.table(
        {
            "image": [
                {"bytes": photo, "path": f"{index}.jpg"}
                for index, photo in enumerate(images)
            ],
            "label": pyarrow.array(labels),
        }
    )
    path = folder / "train.parquet"
    pyarrow.parquet.write_table(table, path, row_group_size=1000)
    yield "Parquet, groups of 1000", path
    path = folder / "train.arrow"
    with pyarrow.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table, max_chunksize=1000)
    yield "saved data set", path


def measure(path):
    """Opens a data set here. Prints what that took."""
    if path.suffix in (".parquet", ".arrow"):
        import pyarrow.parquet  # noqa: F401  is not what is measured
    # Mapped pages of a file count as memory, too: they can go at any time.
    status = Path("/proc/self/status")
    before = own(status)
    start = time.perf_counter()
    source = open_faces(path)
    opened = time.perf_counter() - start
    people = len(source.class_names)
    labelled = time.perf_counter() - start
    memory = own(status) - before
    order = np.random.default_rng(0).permutation(len(source))
    if path.suffix == ".parquet":
        order = np.sort(order)
    order = order[:READS].tolist()
    start = time.perf_counter()
    for index in order:
        source.read(index)
    each = (time.perf_counter() - start) / len(order) * 1e6
    found = (len(source), people, opened, labelled, memory, each)
    print(json.dumps(found))


def own(status):
    """Megabytes of this process that are no file's."""
    for line in status.read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("Linux tells no RssAnon here")


def main():
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"{count:,} photos of {min(PEOPLE, count):,} people, own memory")
    print(f"{'':26}{'open':>8}{'labels':>10}{'memory':>10}{'a read':>12}")
    for write in (write_records, write_examples, write_lmdb, write_tables):
        with tempfile.TemporaryDirectory() as folder:
            for name, path in write(Path(folder), count):
                done = subprocess.run(
                    [sys.executable, __file__, "--measure", str(path)],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                found = json.loads(done.stdout)
                assert found[0] == count
                _, _, opened, labelled, memory, each = found
                print(
                    f"{name:26}{opened:6.2f} s{labelled:8.2f} s"
                    f"{memory:7.0f} MB{each:9.1f} µs",
                    flush=True,
                )


if __name__ == "__main__":
    main()
