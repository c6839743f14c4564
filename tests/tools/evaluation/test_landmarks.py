from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools.evaluation.landmarks import read_landmarks

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
POINTS = np.arange(20.0).reshape(2, 5, 2)


def write(folder, **arrays):
    path = folder / "landmarks.npz"
    np.savez(path, **arrays)
    return path


def test_reads_points_by_name(tmp_path):
    found = read_landmarks(
        write(tmp_path, names=["a/1.jpg", "b.png"], landmarks=POINTS)
    )
    assert list(found) == ["a/1.jpg", "b.png"]
    assert all(type(name) is str for name in found)
    np.testing.assert_array_equal(found["b.png"], POINTS[1])


def test_a_row_that_is_not_finite_is_a_photo_without_a_face(tmp_path):
    points = POINTS.copy()
    points[0, 3, 1] = np.nan
    found = read_landmarks(write(tmp_path, names=["a", "b"], landmarks=points))
    assert list(found) == ["b"]


def test_whole_numbers_will_do(tmp_path):
    points = POINTS.astype(np.int16)
    found = read_landmarks(write(tmp_path, names=["a", "b"], landmarks=points))
    assert found["a"].dtype == np.float64


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": ["a", "b"]}, "expected the arrays.*Received: names"),
        ({"landmarks": POINTS}, "expected the arrays.*Received: landmarks"),
        ({}, "Received: no arrays"),
        ({"names": ["a"], "landmarks": POINTS}, r"shape \(1, 5, 2\)"),
        (
            {"names": ["a", "b"], "landmarks": POINTS.reshape(2, 10)},
            r"shape \(2, 5, 2\).*Received: landmarks of shape \(2, 10\)",
        ),
        (
            {"names": ["a", "b"], "landmarks": np.zeros((2, 68, 2))},
            r"shape \(2, 5, 2\)",
        ),
        ({"names": ["a", "a"], "landmarks": POINTS}, "'a' twice"),
        ({"names": [1, 2], "landmarks": POINTS}, "vector of texts"),
        ({"names": [["a", "b"]], "landmarks": POINTS}, "vector of texts"),
        (
            {"names": ["a", "b"], "landmarks": POINTS.astype("U3")},
            "must hold numbers",
        ),
        (
            {"names": np.array(["a", "b"], object), "landmarks": POINTS},
            r"not an \.npz file",
        ),
    ],
)
def test_refuses(tmp_path, arrays, message):
    path = write(tmp_path, **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        read_landmarks(path)
    assert str(path) in str(caught.value)


def test_refuses_other_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        read_landmarks(tmp_path / "nowhere.npz")
    path = tmp_path / "text.npz"
    path.write_text("names landmarks")
    with pytest.raises(ValueError, match=r"not an \.npz file"):
        read_landmarks(path)
    path = tmp_path / "one.npy"
    np.save(path, POINTS)
    with pytest.raises(ValueError, match=r"not an \.npz file"):
        read_landmarks(path)
    whole = write(tmp_path, names=["a", "b"], landmarks=POINTS).read_bytes()
    path = tmp_path / "half.npz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"not an \.npz file"):
        read_landmarks(path)


def test_reads_the_shared_landmarks():
    path = SHARED / "lfw" / "landmarks.npz"
    if not path.is_file():
        pytest.skip("needs ../shared/lfw/landmarks.npz")
    found = read_landmarks(path)
    assert len(found) == 7701
    assert found["AJ_Lamas/AJ_Lamas_0001.jpg"].shape == (5, 2)
