import random
import struct
import threading

import cv2
import numpy as np
import pytest

from keras_hypersphere.face_files.datum import bitmap
from keras_hypersphere.face_files.lmdb_source import LmdbSource
from keras_hypersphere.face_files.open_faces import open_faces
from tests.keras_hypersphere.face_files.formats import (
    field,
    golden,
    read_all,
)

PAGE = 4096


def datum(planes, label):
    """As Caffe writes pixels."""
    shape = b"".join(field(i + 1, size) for i, size in enumerate(planes.shape))
    return (
        shape + field(4, planes.tobytes()) + field(5, label) + field(7, False)
    )


def encoded(photo, label):
    """As Caffe writes files, without the numbers that it leaves out."""
    return field(4, photo) + field(5, label) + field(7, True)


def write(folder, values):
    """Writes values with the library itself."""
    lmdb = pytest.importorskip("lmdb")
    base = lmdb.open(str(folder), map_size=2**27)
    with base, base.begin(write=True) as work:
        for key, value in values:
            assert work.put(key, value, append=True)
    return folder


def pixels(image):
    """RGB of an image file."""
    found = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    return found[..., ::-1]


def test_files_of_caffe():
    with open_faces(golden("lmdb/db")) as source:
        assert source.names[:] == [f"0000000{i}_a/{i}.jpg" for i in range(4)]
        assert source.labels.tolist() == [0, 0, 1, 1]
        data = golden("lmdb/db/data.mdb").read_bytes()
        for image in read_all(source):
            planes = pixels(image).transpose(2, 0, 1)[::-1]
            assert planes.shape == (3, 6, 5)
            assert data.count(planes.tobytes()) == 1


@pytest.mark.parametrize("shape", [(3, 6, 5), (3, 4, 4), (1, 5, 7), (3, 1, 1)])
def test_planes_become_images(shape):
    planes = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    rgb = np.broadcast_to(planes, (3, *shape[1:]))[::-1].transpose(1, 2, 0)
    image = bitmap(planes)
    np.testing.assert_array_equal(pixels(image), rgb)
    # TensorFlow's reader, too.
    tensorflow = pytest.importorskip("tensorflow")
    found = tensorflow.io.decode_image(image, channels=3).numpy()
    np.testing.assert_array_equal(found, rgb)


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_trees_of_pages(tmp_path, count):
    """One page, and branches; values in pages and on pages of their own."""
    draw = random.Random(count)
    photos = [draw.randbytes(draw.choice([1, 90, 6000])) for _ in range(count)]
    values = [
        (b"%08d_\xc3\xa4.jpg" % index, encoded(photo, index * 5 % 997))
        for index, photo in enumerate(photos)
    ]
    source = LmdbSource(write(tmp_path / "db", values))
    assert read_all(source) == photos
    assert source.names[-1] == f"{count - 1:08}_ä.jpg"
    numbers = [int(source.class_names[label]) for label in source.labels]
    assert numbers == [index * 5 % 997 for index in range(count)]


def test_values_that_were_changed_and_removed(tmp_path):
    """Pages that are free again hold what was there before."""
    lmdb = pytest.importorskip("lmdb")
    folder = write(
        tmp_path / "db",
        [(b"%04d" % i, encoded(b"old" * 900, 0)) for i in range(900)],
    )
    with lmdb.open(str(folder)) as base:
        for turn in range(3):
            with base.begin(write=True) as work:
                for index in range(turn, 900, 3):
                    if index % 2:
                        work.delete(b"%04d" % index)
                    else:
                        new = encoded(b"new %d" % index, index)
                        work.put(b"%04d" % index, new)
    source = LmdbSource(folder)
    assert read_all(source) == [b"new %d" % i for i in range(0, 900, 2)]
    assert source.class_names == [str(i) for i in range(0, 900, 2)]


def test_threads(tmp_path):
    photos = [b"%d" % i * 900 for i in range(300)]
    values = [(b"%04d" % i, encoded(x, 0)) for i, x in enumerate(photos)]
    source = LmdbSource(write(tmp_path / "db", values))
    wrong = []

    def read():
        wrong.extend(i for i in range(300) if source.read(i) != photos[i])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    "value, match",
    [
        (datum(np.zeros((2, 4, 4), np.uint8), 0), "channels, height, width"),
        (datum(np.zeros((3, 4, 4), np.uint8), 0)[:-4], None),
        (field(1, 3) + field(2, 9) + field(3, 9), "with 0 bytes"),
        (field(1, 3) + field(6, b"\0" * 12), "float_data, no photo"),
        (field(1, 2**40) + field(2, 2**40) + field(3, 1), "with 0 bytes"),
        (b"\x22\xff\xff\xff\xff\x0f", "ends 4294967295 bytes too late"),
        (b"\x22\xff", "the end within a number"),
        (b"\xff" * 11, "a number without an end"),
        (b"\x0b", "wire type 3"),
        (b"\x08\x01" * 2000, "more than 1000 fields"),
    ],
)
def test_a_wrong_datum(tmp_path, value, match):
    source = LmdbSource(write(tmp_path / "db", [(b"00_a", value)]))
    if match is None:
        # Label and `encoded` are missing: both are 0.
        assert pixels(source.read(0)).shape == (4, 4, 3)
        assert source.labels.tolist() == [0]
        return
    with pytest.raises(ValueError, match=f"at byte .*{match}") as error:
        source.read(0)
    assert "\n" not in str(error.value)


def test_a_label_below_zero(tmp_path):
    values = [(b"0", encoded(b"x", 0)), (b"1", encoded(b"y", -1))]
    source = LmdbSource(write(tmp_path / "db", values))
    with pytest.raises(ValueError, match=r"'1' at byte \d+ has the label -1"):
        _ = source.labels


@pytest.mark.parametrize("end", [1, 100, PAGE, 2 * PAGE, 3 * PAGE - 1])
def test_cut_off(tmp_path, end):
    """The library would be killed by the system (SIGBUS)."""
    folder = write(tmp_path / "db", [(b"0", encoded(b"x", 0))])
    path = folder / "data.mdb"
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(ValueError, match=f"damaged at byte {end}"):
        LmdbSource(folder)


def damage(folder, place, data):
    path = folder / "data.mdb"
    whole = bytearray(path.read_bytes())
    whole[place : place + len(data)] = data
    path.write_bytes(whole)


@pytest.mark.parametrize(
    "place, data, match",
    [
        (PAGE * 2 + 10, b"\x08", "a page with flags 0x8"),
        (PAGE * 2 + 12, b"\xff\xff", "a page without room"),
        (PAGE * 2 + 16, b"\xff\x0f", "a node outside of its page, 4095"),
        (PAGE * 2 + 16, b"\x10\x00", "a node outside of its page, 16"),
    ],
)
def test_a_damaged_page(tmp_path, place, data, match):
    folder = write(tmp_path / "db", [(b"0", encoded(b"x", 0))])
    damage(folder, place, data)
    with pytest.raises(ValueError, match=f"at byte {2 * PAGE}: {match}"):
        LmdbSource(folder)


def test_a_root_that_leads_elsewhere(tmp_path):
    folder = write(tmp_path / "db", [(b"0", encoded(b"x", 0))])
    # Newer meta page; root of the main database.
    damage(folder, PAGE + 16 + 24 + 48 + 40, struct.pack("<Q", 2**40))
    with pytest.raises(ValueError, match="a page 1099511627776 of 2"):
        LmdbSource(folder)


def test_pages_in_a_circle(tmp_path):
    values = [(b"%04d" % i, encoded(b"x" * 100, 0)) for i in range(200)]
    folder = write(tmp_path / "db", values)
    data = (folder / "data.mdb").read_bytes()
    [branch] = [
        place
        for place in range(2 * PAGE, len(data), PAGE)
        if data[place + 10] == 1 and data[place + 12 : place + 14] != b"\0\0"
    ]
    (node,) = struct.unpack_from("<H", data, branch + 16)
    damage(folder, branch + node, struct.pack("<HHH", branch // PAGE, 0, 0))
    with pytest.raises(ValueError, match="is there twice"):
        LmdbSource(folder)


def test_what_is_no_data_of_caffe(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(tmp_path / "named"), max_dbs=2) as base:
        base.open_db(b"a name")
    with pytest.raises(ValueError, match="databases with names"):
        LmdbSource(tmp_path / "named")
    with lmdb.open(str(tmp_path / "empty")) as base:
        pass
    with pytest.raises(ValueError, match="has no photos"):
        LmdbSource(tmp_path / "empty")
    (tmp_path / "level").mkdir()
    for name in ("CURRENT", "MANIFEST-000002"):
        (tmp_path / "level" / name).touch()
    with pytest.raises(ValueError, match="is a LevelDB"):
        open_faces(tmp_path / "level")
