import numpy as np
import pytest

from keras_hypersphere.zoo.alignment.eyes_template import EyesTemplate
from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.similarity import similarity_transform
from keras_hypersphere.zoo.alignment.templates import TEMPLATES
from keras_hypersphere.zoo.alignment.warp import align

# Sizes of the crop, and the row of the eyes as LightCNN's authors write it:
# what they cut off above the middle of the eyes.
PUBLISHED = {"lightcnn": (128, 40), "lightcnn144": (144, 48)}
EC_MC_Y = 48
POINTS = np.array([(95, 60), (151, 66), (120, 95), (92, 118), (139, 124)])


def by_steps(points, shape, crop, ec_y):
    """Turn about the photo's middle, scale, cut: positions in the crop.

    What LightCNN's Matlab code does, without its rounding to whole pixels.
    Positions are 1-based in its photo and its crop.
    """
    points = points + 1.0
    across = points[1] - points[0]
    angle = -np.arctan(across[1] / across[0])
    turn = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    middle = (np.array(shape[::-1]) + 1) / 2.0
    turned = (points - middle) @ turn.T + middle
    eyes, mouth = turned[:2].mean(0), turned[3:].mean(0)
    scale = EC_MC_Y / (mouth[1] - eyes[1])
    first = eyes * scale - (crop // 2, ec_y)
    # Row `first` of the photo is row 1 of the crop.
    return turned * scale - first + 1.0


@pytest.mark.parametrize("name", PUBLISHED)
def test_is_the_published_procedure(name):
    generator = np.random.default_rng(0)
    crop, ec_y = PUBLISHED[name]
    assert TEMPLATES[name].size == (crop, crop)
    for _ in range(30):
        points = POINTS * generator.uniform(0.3, 4)
        points = points + generator.normal(0, 3, (5, 2))
        matrix = similarity_transform(points, name)
        found = points @ matrix[:, :2].T + matrix[:, 2]
        expected = by_steps(points, (250, 300), crop, ec_y) - 1.0
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("degrees", [0, 30, 100, 180, -80])
def test_eyes_are_level_and_the_mouth_is_below(degrees):
    angle = np.radians(degrees)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    points = POINTS @ turn.T * 1.7 + (400, 300)
    matrix = similarity_transform(points, "lightcnn")
    # No reflection, one scale.
    assert np.linalg.det(matrix[:, :2]) > 0
    np.testing.assert_allclose(
        matrix[:, :2] @ matrix[:, :2].T,
        np.eye(2) * (matrix[0, :2] ** 2).sum(),
        atol=1e-12,
    )
    left, right, _, *mouth = points @ matrix[:, :2].T + matrix[:, 2]
    assert left[1] == pytest.approx(right[1], abs=1e-9) and left[0] < right[0]
    np.testing.assert_allclose((left + right) / 2, (64, 40), atol=1e-9)
    assert np.mean(mouth, axis=0)[1] == pytest.approx(88, abs=1e-9)


def test_the_small_crop_is_the_middle_of_the_large():
    """NormFace takes rows and columns 9 to 136, from 1, of 144."""
    image = np.random.default_rng(0).integers(0, 256, (240, 260, 3), np.uint8)
    large = align(image, POINTS, "lightcnn144").astype(int)
    small = align(image, POINTS, "lightcnn")
    # OpenCV rounds positions to 1/32 of a pixel.
    assert np.abs(large[8:136, 8:136] - small).max() <= 8
    assert (large[8:136, 8:136] == small).mean() > 0.95


def test_a_face_will_do():
    face = Face((80, 40, 90, 110), POINTS, 1.0)
    template = TEMPLATES["lightcnn"]
    np.testing.assert_array_equal(
        template.transform(face), template.transform(POINTS)
    )


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.full((5, 2), 12.5), "needs two eyes and a mouth below"),
        # Eyes at one place.
        (POINTS[[0, 0, 2, 3, 4]], "needs two eyes"),
        # The mouth between the eyes, and above them: a mirrored face.
        (POINTS[[0, 1, 2, 0, 1]], "a mouth below them"),
        (POINTS * (-1, 1), "a mouth below them"),
        (POINTS[:4], r"shape \(5, 2\).*shape \(4, 2\)"),
        (POINTS * np.nan, "must be finite"),
    ],
)
def test_refuses_what_is_no_face(points, message):
    with pytest.raises(ValueError, match=message):
        similarity_transform(points, "lightcnn")


def test_nothing_is_mirrored():
    with pytest.raises(ValueError, match=r"lightcnn fits none\. Leave it out"):
        similarity_transform(POINTS, "lightcnn", reflection=True)


def test_refuses_a_mouth_above_the_eyes():
    with pytest.raises(ValueError, match="`mouth` must be below the eyes"):
        EyesTemplate(
            name="own", size=(9, 9), provenance="x", eyes=(4, 5), mouth=5
        )
