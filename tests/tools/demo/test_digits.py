import json

import numpy as np
import pytest

from keras_hypersphere.tools.demo import digits as job
from keras_hypersphere.tools.samples import digits


@pytest.fixture(scope="module")
def few():
    rng = np.random.default_rng(0)
    labels = np.arange(40, dtype="int32") % 10
    images = rng.integers(0, 255, (40, 28, 28)).astype("uint8")
    return digits.Digits(images, labels, images, labels, "noise")


@pytest.mark.slow
def test_run_prints_draws_and_reports(tmp_path, capsys, few):
    outcome = job.run(tmp_path, data=few, seeds=(3,), epochs=1)
    printed = capsys.readouterr().out
    for name in job.LOSSES:
        assert name in printed
    assert "angular Fisher score" in printed and "seeds 3" in printed
    assert outcome.files == (tmp_path / "digits.png",)
    assert [p.name for p in tmp_path.iterdir()] == ["digits.png"]
    assert (tmp_path / "digits.png").read_bytes()[:4] == b"\x89PNG"
    losses = json.loads(json.dumps(outcome.figures))["losses"]
    assert list(losses) == list(job.LOSSES)
    scores = [
        losses[f"A-Softmax m={m}"][0]["angular_fisher_score"] for m in (1, 2, 4)
    ]
    # The verdict is what the table says.
    held = outcome.figures["claim_held"]
    assert held == (scores[0] > scores[1] > scores[2])
    assert ("falls as m grows" in printed) == held
    # Nobody learns digits from noise.
    assert not outcome.passed
    # One epoch of one step: the annealing has barely begun, and says so.
    assert losses["A-Softmax m=4"][0]["final_lambda"] == job.ANNEALING(1)
    assert losses["softmax"][0]["final_lambda"] is None


def test_the_annealing_reaches_its_floor_within_the_run():
    assert job.ANNEALING(job.STEPS * 3 // 4) == job.ANNEALING.minimum
    few = digits.load_sklearn()
    assert job.steps_per_epoch(few) == 9


def test_class_angles_by_hand():
    angles = np.radians([10, -10, 80, 100])
    x = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    x *= np.array([[1], [5], [2], [3]])
    within, between = job.class_angles(x, np.array([0, 0, 7, 7]))
    assert within == pytest.approx(10)
    assert between == pytest.approx(90)


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [((0.3, 0.2, 0.1), True), ((0.3, 0.1, 0.2), False)],
)
def test_claim_follows_the_scores(capsys, scores, verdict):
    results = {
        name: [job.Trained(np.zeros((1, 3)), 1.0, 1.0, 1.0, score, None)]
        for name, score in zip(job.LOSSES, (0.5, *scores), strict=True)
    }
    assert job.print_claim(results) is verdict
    assert ("DOES NOT" in capsys.readouterr().out) is not verdict
