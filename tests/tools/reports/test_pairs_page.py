"""The page from scores alone; the subcommand's test covers the way there."""

import html

import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.tools.reports import pairs_page
from keras_hypersphere.tools.reports.hardest import hardest_pairs


@pytest.fixture
def page(measured):
    """Draws the page of what was measured; other figures are those given."""
    report, pairs, images = measured
    photos = {photo: images / photo for photo in pairs.photos()}

    def draw(**more):
        found = {
            "pairs": len(pairs),
            "different_pairs": int((~pairs.same).sum()),
            "photos": len(photos),
            "faces": "landmarks",
            "photos_without_embedding": {},
            "pairs_lost": 0,
            "command": "typed <words>",
        }
        card = zoo.get_card("dlib-resnet")
        return pairs_page.draw(report, pairs, photos, card, {**found, **more})

    return draw


def test_page_escapes_names_and_lists_failures(page, measured):
    report = measured[0]
    text = page(photos_without_embedding={"x<y.png": "no <face>"}, pairs_lost=1)
    assert "typed &lt;words&gt;" in text
    assert "x&lt;y.png<td>no &lt;face&gt;" in text
    assert "a&amp;b/&lt;" in text
    assert "<face>" not in text
    assert "Pairs counted as errors for it: 1." in text
    assert f"{report.accuracy:.2%}" in text
    assert all(f"{fold:.2%}" in text for fold in report.folds)
    assert text.count("class=wrong>wrong") > 0
    assert zoo.get_card("dlib-resnet").licence in text


def test_names_are_those_of_the_list(page, measured):
    report, pairs, _ = measured
    text = page()
    [worst] = hardest_pairs(report, pairs.same, True, 1)
    left = html.escape(pairs.left[worst])
    right = html.escape(pairs.right[worst])
    score, threshold = report.scores[worst], report.thresholds
    score = f"{score:.3f}, threshold"
    threshold = f"{threshold[report.fold_of_pair[worst]]:.3f}"
    assert f'alt="{left} and {right}: {score} {threshold}"' in text
    assert f"<br>{left}<br>{right}</figcaption>" in text


def test_few_pairs_are_said_to_be_few(page):
    words = "20 different pairs are too few for a FAR of 0.1%, which takes 1,0"
    assert words in page()
    assert "too few" not in page(different_pairs=1000)


def test_videos_are_called_videos(page):
    text = page(videos=9, photos_without_embedding={"A/0": "none"})
    assert "40 pairs of 9 videos with 41 frames" in text
    assert "Videos without an embedding" in text
    assert "middle one of its frames" in text
    assert "middle one of its frames" not in page()


def test_a_photo_that_is_gone_does_not_end_the_page(page, measured):
    report, pairs, images = measured
    [worst] = hardest_pairs(report, pairs.same, False, 1)
    (images / pairs.left[worst]).unlink()
    assert f"{html.escape(pairs.left[worst])} and " in page()
    assert np.isfinite(report.scores[worst])


def test_the_curves_are_said_with_their_numbers(page, measured):
    report, pairs, _ = measured
    text = page()
    assert f"{report.tar:.2%} at 0.1%, {report.tar_at(0.01):.2%} at" in text
    different = report.scores[~pairs.same & np.isfinite(report.scores)]
    assert (
        f"{len(different)} pairs of different persons from "
        f"{different.min():.3f} to {different.max():.3f}, mean "
        f"{different.mean():.3f}; threshold" in text
    )


def test_the_accuracy_of_the_card_is_shown_where_it_is_known(page):
    found = {"card_threshold": 0.6, "accuracy_at_card_threshold": 0.875}
    shown = "<b>87.50%</b><span>accuracy at the card&#x27;s threshold, 0.6<"
    assert shown in page(**found)
    assert "the card" not in page()
