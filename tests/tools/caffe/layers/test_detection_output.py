"""DetectionOutput, against SSD's algorithm step by step, and OpenCV."""

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_layers.detection_output import found_rows
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

PRIORS, CLASSES = 24, 4
F = np.float32


def layer(settings):
    return (
        'layer { name: "d" type: "DetectionOutput" bottom: "locations" '
        'bottom: "scores" bottom: "priors" top: "found" '
        f"detection_output_param {{ {settings} }} }}"
    )


def inputs(images=2, located=1, seed=0, spread=0.3):
    random = np.random.default_rng(seed)
    centers = random.uniform(0.2, 0.8, (PRIORS, 2))
    sides = random.uniform(0.1, 0.3, (PRIORS, 2))
    corners = np.concatenate([centers - sides / 2, centers + sides / 2], 1)
    variances = np.tile([0.1, 0.2, 0.3, 0.4], PRIORS)
    scores = random.dirichlet(np.ones(CLASSES), (images, PRIORS))
    return {
        "locations": random.normal(
            0, spread, (images, PRIORS * located * 4)
        ).astype(F),
        "scores": scores.reshape(images, -1).astype(F),
        "priors": np.stack([corners.ravel(), variances])[None].astype(F),
    }


def decode(code, prior, variance, kind):
    if variance is not None:
        code = code * variance
    low, high = prior[:2], prior[2:]
    size = high - low
    if kind == "CORNER":
        return prior + code
    if kind == "CORNER_SIZE":
        return prior + code * np.concatenate([size, size])
    center = code[:2] * size + (low + high) / F(2)
    half = np.exp(code[2:]) * size / F(2)
    return np.concatenate([center - half, center + half])


def area(box):
    width, height = box[2] - box[0], box[3] - box[1]
    return width * height if width >= 0 and height >= 0 else F(0)


def overlap(a, b):
    if b[0] > a[2] or b[2] < a[0] or b[1] > a[3] or b[3] < a[1]:
        return F(0)
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return F(0)
    common = width * height
    return common / (area(a) + area(b) - common)


def detect(
    feed,
    kind="CORNER",
    share=True,
    background=0,
    variances=True,
    threshold=None,
    nms=0.3,
    top_k=None,
    eta=1.0,
    keep=None,
):
    """Rows of all images, as SSD makes them."""
    priors = feed["priors"].reshape(2, PRIORS, 4)
    found = []
    for image, (codes, scores) in enumerate(
        zip(feed["locations"], feed["scores"], strict=True)
    ):
        codes = codes.reshape(PRIORS, -1, 4)
        scores = scores.reshape(PRIORS, CLASSES)
        kept = []
        for label in range(CLASSES):
            if label == background:
                continue
            boxes = [
                decode(
                    codes[p, 0 if share else label],
                    priors[0, p],
                    priors[1, p] if variances else None,
                    kind,
                )
                for p in range(PRIORS)
            ]
            order = [
                p
                for p in np.argsort(-scores[:, label], kind="stable")
                if threshold is None or scores[p, label] > F(threshold)
            ]
            limit, mine = F(nms), []
            for p in order[:top_k]:
                if all(overlap(boxes[p], boxes[q]) <= limit for q in mine):
                    mine.append(p)
                    if eta < 1 and limit > 0.5:
                        limit = limit * F(eta)
            kept += [(scores[p, label], label, boxes[p]) for p in mine]
        if keep is not None and len(kept) > keep:
            best = sorted(range(len(kept)), key=lambda i: -kept[i][0])[:keep]
            kept = [kept[i] for i in sorted(best)]
        found += [[image, label, s, *box] for s, label, box in kept]
    return np.array(found)


CASES = {
    "corner": ("", {}),
    "center_size": ("code_type: CENTER_SIZE", {"kind": "CENTER_SIZE"}),
    "corner_size": (
        "code_type: CORNER_SIZE variance_encoded_in_target: true",
        {"kind": "CORNER_SIZE", "variances": False},
    ),
    "each class has boxes": (
        "share_location: false background_label_id: 2 code_type: CENTER_SIZE",
        {"share": False, "background": 2, "kind": "CENTER_SIZE"},
    ),
    "no background": (
        "share_location: false background_label_id: -1",
        {"share": False, "background": -1},
    ),
    "as in SSD": (
        "code_type: CENTER_SIZE keep_top_k: 6 confidence_threshold: 0.2 "
        "nms_param { nms_threshold: 0.45 top_k: 10 }",
        {
            "kind": "CENTER_SIZE",
            "keep": 6,
            "threshold": 0.2,
            "nms": 0.45,
            "top_k": 10,
        },
    ),
    "a falling threshold": (
        "nms_param { nms_threshold: 0.9 eta: 0.7 }",
        {"nms": 0.9, "eta": 0.7},
    ),
    "more rows than boxes": ("keep_top_k: 500", {"keep": 500}),
}


@pytest.mark.parametrize("case", CASES)
def test_found_boxes(case, net):
    settings, options = CASES[case]
    located = 1 if options.get("share", True) else CLASSES
    feed = inputs(located=located)
    # Equal scores: the first prior is looked at first.
    scores = feed["scores"].reshape(2, PRIORS, CLASSES)
    scores[0, 7:12, 1] = scores[0, 7, 1]
    made = net(layer(f"num_classes: {CLASSES} {settings}"), **feed)["found"]
    made = found_rows(made.transpose(0, 2, 3, 1))
    expected = detect(feed, **options)
    assert 5 < len(expected) < 2 * CLASSES * PRIORS
    assert made.shape == (1, 1, *expected.shape)
    np.testing.assert_allclose(made[0, 0], expected, rtol=1e-6, atol=1e-6)


def test_rows_are_padded(net):
    text = layer(
        f"num_classes: {CLASSES} keep_top_k: 9 confidence_threshold: 0.7"
    )
    feed = inputs()
    made = net(text, **feed)["found"]
    assert net.model.output_shape == (None, 9, 7, 1)
    assert made.shape == (2, 1, 9, 7)
    expected = detect(feed, threshold=0.7, keep=9)
    assert 0 < len(expected) < 9
    for image in (0, 1):
        mine = expected[expected[:, 0] == image]
        rows = made[image, 0]
        np.testing.assert_allclose(rows[: len(mine)], mine, atol=1e-6)
        empty = np.array([image, *[-1] * 6])
        assert (rows[len(mine) :] == empty).all()


def test_nothing_found(net):
    text = layer(
        f"num_classes: {CLASSES} keep_top_k: 9 confidence_threshold: 1"
    )
    made = net(text, **inputs(images=3))["found"]
    rows = found_rows(made.transpose(0, 2, 3, 1))
    expected = [[image, *[-1] * 6] for image in range(3)]
    np.testing.assert_array_equal(rows, [[expected]])


def test_boxes_that_are_turned_round(net):
    """Wide errors: corners change places, and their areas count as 0."""
    feed = inputs(spread=3)
    made = net(layer(f"num_classes: {CLASSES}"), **feed)["found"]
    expected = detect(feed)
    assert (expected[:, 3] > expected[:, 5]).any()
    made = found_rows(made.transpose(0, 2, 3, 1))[0, 0]
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("more", "pixels"),
    [
        ("", 1),
        ("clip: true", 1),
        ("normalized_bbox: false", 100),
        ("normalized_bbox: false", 10),
        ("normalized_bbox: true clip: false", 1),
    ],
)
def test_like_opencv(more, pixels, referenced, tmp_path):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        pytest.skip("this OpenCV has no Caffe importer")
    settings, _ = CASES["as in SSD"]
    # OpenCV does not know these defaults.
    settings += f" share_location: true background_label_id: 0 {more}"
    feed = inputs(spread=6 if more == "clip: true" else 1.5)
    feed["priors"][:, 0] *= pixels
    text = layer(f"num_classes: {CLASSES} {settings}")
    made = referenced(text, **feed)["found"]
    oracle = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"))
    for name, array in feed.items():
        # Before 4.9 three axes are an image, the last one its colors.
        oracle.setInput(
            array.reshape(*array.shape, *[1] * (array.ndim == 3)), name
        )
    made = found_rows(made.transpose(0, 2, 3, 1))[0, 0]
    # Where it leaves boxes out, OpenCV sorts them by score alone.
    made = made[np.lexsort([-made[:, 2], made[:, 0]])]
    theirs = oracle.forward()[0, 0]
    np.testing.assert_allclose(made, theirs, atol=2e-6 * pixels)
    if more == "clip: true":
        assert (made[:, 3:] == 0).any() and (made[:, 3:] == 1).any()


def test_compiled_and_loaded(net, tmp_path):
    settings, options = CASES["as in SSD"]
    feed = inputs()
    net(layer(f"num_classes: {CLASSES} {settings}"), **feed)
    net.model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    loaded.compile(jit_compile=keras.backend.backend() != "torch")
    # `predict` wants as many priors as images; the first are taken.
    feed["priors"] = np.repeat(feed["priors"], 2, axis=0)
    made = loaded.predict(list(feed.values()), verbose=0)
    feed["priors"] = feed["priors"][:1]
    np.testing.assert_allclose(
        found_rows(made)[0, 0], detect(feed, **options), atol=1e-6
    )


@pytest.mark.parametrize(
    "settings, words",
    [
        ("", "num_classes"),
        ("num_classes: 5", "96 scores for 24 priors"),
        ("num_classes: 4 share_location: false", "96 locations"),
        ("num_classes: 4 background_label_id: -1", "background_label_id"),
        ("num_classes: 1", "besides the background"),
        ("num_classes: 4 nms_param { nms_threshold: -1 }", "nms_threshold"),
        ("num_classes: 4 nms_param { eta: 0 }", "eta"),
    ],
)
def test_settings_that_caffe_refuses(settings, words, net):
    with pytest.raises(CaffeFormatError, match=words):
        net(layer(settings), **inputs())


def test_what_is_not_supported(net):
    for settings, words in (
        ("num_classes: 4 objectness_score: 0.1", "objectness_score"),
        ("num_classes: 4 keep_top_k: 0", "keep_top_k"),
        ("num_classes: 4 clip: true normalized_bbox: false", "in pixels"),
        (
            "num_classes: 4 code_type: CORNER_SIZE normalized_bbox: false",
            "CENTER_SIZE",
        ),
    ):
        with pytest.raises(UnsupportedLayerError, match=words):
            net(layer(settings), **inputs())
    feed = inputs()
    feed["priors"] = feed["priors"][:, 0]
    with pytest.raises(CaffeFormatError, match="third bottom"):
        net(layer("num_classes: 4"), **feed)


def test_a_picture_to_draw_on_changes_nothing(referenced):
    """SSD's fourth bottom is what `visualize` shows on the screen."""
    text = layer("num_classes: 4 keep_top_k: 5 nms_param { top_k: 9 }")
    feed = inputs()
    plain = referenced(text, **feed)["found"]
    text = text.replace('"priors"', '"priors" bottom: "data"')
    image = np.ones((2, 3, 4, 4), F)
    drawn = referenced(text, **feed, data=image)["found"]
    np.testing.assert_array_equal(drawn, plain)
