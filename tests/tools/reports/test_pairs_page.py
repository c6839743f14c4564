"""The page from scores alone; the subcommand's test covers the way there."""

import html

import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.tools.reports import pairs_page
from keras_hypersphere.tools.reports.hardest import hardest_pairs


@pytest.fixture
def page(measured, tmp_path):
    """Draws the page of what was measured; other figures are those given."""
    report, pairs, images = measured
    photos = {photo: images / photo for photo in pairs.photos()}
    folder = tmp_path / "out"
    folder.mkdir()

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
        return pairs_page.draw(
            folder, report, pairs, photos, card, {**found, **more}
        )

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
    assert f'src="same-01.png" alt="{left} and {right}"' in text
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
    assert "different-01.png" in page()
    assert np.isfinite(report.scores[worst])
