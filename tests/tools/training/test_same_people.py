import numpy as np
import pytest

from keras_hypersphere.tools.training.same_people import (
    people_held_out_again,
    same_people,
    same_people_by_embeddings,
    without_people,
)
from tests.tools.training.photos import crops


def test_names():
    training = [
        *("George_W_Bush", "Ann", "José Mármol", "12", "0"),
        *("Wang Nan", "Bush"),
    ]
    evaluation = ["Bush, George W.", "jose marmol", "12", "Nan_Wang", "anna"]
    assert same_people(training, evaluation) == [
        *("George_W_Bush", "José Mármol", "Wang Nan"),
    ]
    assert same_people(training, []) == []


def test_faces(tmp_path):
    """One of two people is in both, under another name."""
    training = crops(tmp_path / "training")
    evaluation = crops(tmp_path / "evaluation", change=lambda c: c[:, ::-1])
    (tmp_path / "evaluation" / "Grace").rename(tmp_path / "evaluation" / "Amy")
    for path in (tmp_path / "evaluation" / "Eileen").iterdir():
        path.unlink()
    evaluation = type(evaluation)(tmp_path / "evaluation")
    assert evaluation.class_names == ["Amy"]
    assert same_people(training.class_names, evaluation.class_names) == []
    [found] = same_people_by_embeddings(training, evaluation)
    assert (found.training, found.evaluation) == ("Grace", "Amy")
    assert 0 <= found.distance < 0.42
    # Parts of one data set: the photos of one person, and of both.
    some = np.array([3])
    [found] = same_people_by_embeddings(
        training, training, None, 0.42, some, np.arange(5)
    )
    assert found.training == found.evaluation == "Grace"
    left = without_people(training, [found.training])
    assert [training.class_names[training.labels[i]] for i in left] == [
        "Eileen"
    ] * 3
    some = without_people(training, ["Eileen"], np.array([0, 5]))
    assert some.tolist() == [5]
    with pytest.raises(ValueError, match="has no person 'Fred'"):
        without_people(training, ["Fred"])


def test_people_with_two_names(tmp_path):
    source = crops(tmp_path / "crops")
    second = tmp_path / "crops" / "Amy"
    second.mkdir()
    (tmp_path / "crops" / "Grace" / "2.png").rename(second / "2.png")
    source = type(source)(tmp_path / "crops")
    names = [source.class_names[label] for label in source.labels]
    held_out = np.array([names.index("Amy")])
    training = np.setdiff1d(np.arange(len(source)), held_out)
    given = source, training, held_out
    [found], _ = people_held_out_again(*given, "arcface", (112, 112))
    assert (found.training, found.evaluation) == ("Grace", "Amy")
    # Crops that sface does not take are not looked at.
    assert people_held_out_again(*given, "none", (112, 112)) == ([], "")
