import contextlib
import os
import threading

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.formats import jpeg
from keras_hypersphere.zoo.formats.decoder_messages import MESSAGES
from tests.zoo.formats.damage import encode, overwritten

KINDS = {
    "baseline": (),
    "progressive": (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": (cv2.IMWRITE_JPEG_RST_INTERVAL, 4),
}


@pytest.fixture(params=KINDS)
def data(request):
    return encode(".jpg", *KINDS[request.param])


def refused(data):
    try:
        images.read(data)
    except ValueError:
        return True
    return False


def test_whole_pictures_are_those_of_opencv(data):
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(images.read(data), expected[:, :, ::-1])


def test_overwritten_data_are_seen(data, capfd):
    """All but the few where the number of blocks comes out right by chance."""
    assert sum(map(refused, overwritten(data, 200))) >= 170
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("stray", [b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\0"])
def test_stray_bytes_before_and_after(data, stray):
    expected = images.read(data)
    for more in (stray + data, data + stray, stray + data + stray * 999):
        np.testing.assert_array_equal(images.read(more), expected)
    # A second picture behind the first, as cameras put previews there.
    other = encode(".jpg", picture=np.zeros((8, 8, 3), np.uint8))
    np.testing.assert_array_equal(images.read(data + other), expected)


def test_stray_bytes_between_segments(data):
    """libjpeg says one thing of a file: it must not hide the damage."""
    expected = images.read(data)
    head = 2 + 2 + int.from_bytes(data[4:6], "big")
    stray = data[:head] + b"\0\0\0" + data[head:]
    np.testing.assert_array_equal(images.read(stray), expected)
    filled = data[:head] + b"\xff\xff" + data[head:]
    np.testing.assert_array_equal(images.read(filled), expected)
    damaged = [
        each[:head] + b"\0\0\0" + each[head:] for each in overwritten(data, 50)
    ]
    assert sum(map(refused, damaged)) >= 40


def test_padding_of_cameras_before_the_end(data):
    expected = images.read(data)
    for count, fine in ((4, True), (300, False)):
        padded = data[:-2] + bytes(count) + jpeg.END
        assert refused(padded) is not fine
        if fine:
            np.testing.assert_array_equal(images.read(padded), expected)


def test_half_a_picture_before_another(data):
    half = data[: len(data) // 2]
    for other in (data, encode(".png"), half):
        assert refused(half + other)
    with pytest.raises(ValueError, match="its end is missing"):
        images.read(half)
    assert images.read(half, partial=True).shape == images.read(data).shape


def test_a_beginning_in_another_file_is_no_jpeg(data):
    for other in (b"%PDF-1.7\n", b"x" * 5000):
        assert refused(other + data)
    # Pixels that look like one.
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[0, 0] = 0xFF, 0xD8, 0xFF
    plain = b"P6\n32 32\n255\n" + pixels.tobytes()
    np.testing.assert_array_equal(images.read(plain), pixels)


def test_messages_of_threads_do_not_mix():
    """Each decoder hears its own, and nothing is left of them."""
    good = encode(".jpg")
    bad = next(each for each in overwritten(good, 9) if refused(each))
    wrong = []

    def work(data, expected):
        wrong.extend(1 for _ in range(200) if refused(data) is not expected)

    jobs = [
        threading.Thread(target=work, args=job)
        for job in [(good, False), (bad, True)] * 2
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert not wrong
    with MESSAGES.kept() as said:
        pass
    assert said == []


@pytest.mark.parametrize(
    ("line", "damage"),
    [
        ("Corrupt JPEG data: premature end of data segment", True),
        ("Corrupt JPEG data: bad Huffman code", True),
        ("Corrupt JPEG data: 939 extraneous bytes before marker 0xd9", True),
        ("Corrupt JPEG data: 3 extraneous bytes before marker 0xd9", False),
        ("Corrupt JPEG data: 3 extraneous bytes before marker 0xd4", True),
        ("Corrupt JPEG data: bad ICC marker", False),
        ("Invalid SOS parameters for sequential JPEG", False),
    ],
)
def test_what_is_damage(line, damage):
    assert jpeg.is_damage(line) is damage
    assert jpeg.LIBJPEG.match(line)


def test_what_others_print_meanwhile_is_printed(monkeypatch, capfd):
    @contextlib.contextmanager
    def kept():
        yield ["assertion of another library", "Corrupt JPEG data: bad ICC x"]

    monkeypatch.setattr(MESSAGES, "kept", kept)
    images.read(encode(".jpg"))
    assert capfd.readouterr().err == "assertion of another library\n"


def test_a_forked_process_reads_on():
    bad = next(each for each in overwritten(encode(".jpg"), 9) if refused(each))
    child = os.fork()
    if child == 0:
        os._exit(0 if refused(bad) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
