from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.evaluation import (
    PairList,
    read_lfw_pairs,
    read_pairs,
    read_ytf_pairs,
)

SHARED = Path(__file__).resolve().parents[3].parent / "shared"

LFW = """2\t1
Ann\t1\t4
Ann\t1\tBob\t12
Cy_D\t2\t3
Bob\t1\tCy_D\t3
"""


def write(folder, text, name="pairs.txt"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_lfw(tmp_path):
    pairs = read_lfw_pairs(write(tmp_path, LFW))
    assert pairs.left == [
        "Ann/Ann_0001.jpg",
        "Ann/Ann_0001.jpg",
        "Cy_D/Cy_D_0002.jpg",
        "Bob/Bob_0001.jpg",
    ]
    assert pairs.right == [
        "Ann/Ann_0004.jpg",
        "Bob/Bob_0012.jpg",
        "Cy_D/Cy_D_0003.jpg",
        "Cy_D/Cy_D_0003.jpg",
    ]
    assert pairs.same.tolist() == [True, False, True, False]
    assert pairs.folds == 2
    assert len(pairs) == 4


def test_names_each_photo_once(tmp_path):
    pairs = read_lfw_pairs(write(tmp_path, LFW))
    photos = pairs.photos()
    assert len(photos) == len(set(photos)) == 6
    left, right = pairs.indices()
    assert [photos[i] for i in left] == pairs.left
    assert [photos[i] for i in right] == pairs.right
    assert left.tolist() == [0, 0, 3, 5]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\t", " "),
        lambda text: text.replace("\t", "   "),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
    ],
)
def test_reads_tabs_spaces_and_line_ends(tmp_path, change):
    expected = read_lfw_pairs(write(tmp_path, LFW))
    pairs = read_lfw_pairs(write(tmp_path, change(LFW)))
    assert pairs.left == expected.left
    assert pairs.right == expected.right
    assert np.array_equal(pairs.same, expected.same)


def test_reads_single_sets(tmp_path):
    text = "2\nA 1 2\nA 1 3\nA 1 B 1\nA 2 B 1\n"
    pairs = read_lfw_pairs(write(tmp_path, text))
    assert pairs.same.tolist() == [True, True, False, False]
    assert pairs.folds is None


def test_names_may_hold_spaces_between_tabs(tmp_path):
    pairs = read_lfw_pairs(write(tmp_path, "1\nA B\t1\t2\nA B\t1\tC\t1\n"))
    assert pairs.left[0] == "A B/A B_0001.jpg"


def test_reads_the_published_list():
    path = SHARED / "lfw" / "pairs.txt"
    if not path.is_file():
        pytest.skip("needs ../shared/lfw/pairs.txt")
    pairs = read_lfw_pairs(path)
    assert len(pairs) == 6000
    assert pairs.folds == 10
    assert len(pairs.photos()) == 7701
    assert np.array_equal(pairs.same, np.arange(6000) // 300 % 2 == 0)
    pairs.require_photos(path.parent / "images")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: expected the number of folds"),
        ("Ann 1 4\n", r"line 1: expected the number of folds"),
        ("10 300 5\n", r"line 1: expected the number of folds"),
        ("0 3\n", r"line 1: expected the number of folds"),
        (LFW + "Ann 1 2\n", r"2 x 2 x 1 = 4 pairs, but 5 follow"),
        ("2 1\nAnn 1 4\n", r"= 4 pairs, but 1 follow"),
        (LFW.replace("Bob\t12", "Bob"), r"line 3: expected a different pair"),
        ("1 1\nAnn 1\n", r"line 2: expected `name number number`"),
        ("1 1\nA 1 B 2 3\n", r"line 2: expected `name number number`"),
        ("1 1\nA 1 B 2\nA 1 2\n", r"line 2: expected a same pair"),
        ("1 1\nA one 2\nA 1 B 1\n", r"line 2: expected a name and the number"),
        ("1 1\nA 1 2\nA 1 B -1\n", r"line 3: expected a name and the number"),
        ("1 1\nA 0 2\nA 1 B 1\n", r"line 2: expected a name and the number"),
    ],
)
def test_refuses_malformed_lfw(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=message) as caught:
        read_lfw_pairs(path)
    assert str(path) in str(caught.value)


def test_reads_paths_with_a_flag(tmp_path):
    text = "a/1.jpg b/2.png 0\n\na/1.jpg\tc d/3.jpg\t1\n"
    pairs = read_pairs(write(tmp_path, text))
    assert pairs.left == ["a/1.jpg", "a/1.jpg"]
    assert pairs.right == ["b/2.png", "c d/3.jpg"]
    assert pairs.same.tolist() == [False, True]
    assert pairs.folds is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no pairs"),
        ("\n \n", "holds no pairs"),
        ("a b 1\na b\n", "line 2: expected two paths and 0 or 1"),
        ("a b 2\n", "line 1: expected two paths and 0 or 1"),
        ("a b c 1\n", "line 1: expected two paths and 0 or 1"),
        (LFW, "line 1: this looks like the header of LFW"),
    ],
)
def test_refuses_malformed_lists(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_pairs(write(tmp_path, text))


@pytest.mark.parametrize("read", [read_pairs, read_lfw_pairs])
def test_refuses_missing_and_binary_files(tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        read(tmp_path / "none.txt")
    path = tmp_path / "photo.txt"
    path.write_bytes(b"\xff\xd8\xff\xe0 1 2\n")
    with pytest.raises(ValueError, match="not a text file"):
        read(path)


def test_counts_and_names_missing_photos(tmp_path):
    pairs = PairList(list("abcde"), list("bcdea"), np.ones(5, bool))
    (tmp_path / "c").write_bytes(b"")
    with pytest.raises(
        FileNotFoundError, match=r"4 of 5 photos are missing in .*: a, b, d, …"
    ):
        pairs.require_photos(tmp_path)
    for name in "abd":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"1 of 5 .*: e$"):
        pairs.require_photos(tmp_path)
    (tmp_path / "e").write_bytes(b"")
    pairs.require_photos(tmp_path)
    with pytest.raises(FileNotFoundError, match="No such folder"):
        pairs.require_photos(tmp_path / "nowhere")


def test_reads_youtube_faces(tmp_path):
    path = tmp_path / "splits.txt"
    path.write_text(
        "split number, pair number, first name, second name, is same\n"
        "1, 1, Ann_Lee/0, Ann_Lee/3, 1\n"
        "1, 2, Ann_Lee/0, Bo_Ek/1, 0\n"
        "\n"
        "10,1,Bo_Ek/1,Bo_Ek/2,1\n"
    )
    pairs = read_ytf_pairs(path)
    assert pairs.left == ["Ann_Lee/0", "Ann_Lee/0", "Bo_Ek/1"]
    assert pairs.right == ["Ann_Lee/3", "Bo_Ek/1", "Bo_Ek/2"]
    assert pairs.same.tolist() == [True, False, True]
    assert pairs.folds.tolist() == [1, 1, 10]
    assert pairs.photos() == ["Ann_Lee/0", "Ann_Lee/3", "Bo_Ek/1", "Bo_Ek/2"]


@pytest.mark.skipif(not (SHARED / "ytf").is_dir(), reason="no list of YTF")
def test_reads_the_official_list_of_youtube_faces():
    pairs = read_ytf_pairs(SHARED / "ytf" / "splits_no_header.txt")
    assert len(pairs) == 5000
    assert np.bincount(pairs.folds).tolist() == [0, *[500] * 10]
    assert np.bincount(pairs.folds, pairs.same).tolist() == [0, *[250] * 10]
    assert pairs.left[-1] == "Ben_Curtis/0"


@pytest.mark.parametrize(
    "line",
    [
        "1, 2, a/0, b/0",
        "1, 2, a/0, b/0, 2",
        "-1, 2, a/0, b/0, 1",
        "one, 2, a/0, b/0, 1",
        "1, 2, , b/0, 1",
        "1 2 a/0 b/0 1 5",
        "split, pair, first, second, same",
    ],
)
def test_youtube_faces_errors_name_the_line(tmp_path, line):
    path = tmp_path / "splits.txt"
    path.write_text(f"1, 1, a/0, a/1, 1\n{line}\n")
    with pytest.raises(ValueError, match=r"splits\.txt, line 2: expected"):
        read_ytf_pairs(path)


def test_youtube_faces_without_pairs(tmp_path):
    path = tmp_path / "splits.txt"
    path.write_text("split, pair, first, second, same\n")
    with pytest.raises(ValueError, match="holds no pairs"):
        read_ytf_pairs(path)
    with pytest.raises(FileNotFoundError, match="No such file of pairs"):
        read_ytf_pairs(tmp_path / "none.txt")
