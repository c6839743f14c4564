import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.points_template import PointsTemplate
from keras_hypersphere.zoo.alignment.similarity import similarity_transform
from keras_hypersphere.zoo.alignment.templates import TEMPLATES
from keras_hypersphere.zoo.alignment.warp import align, align_many, cut

# Where the landmarks of a face lie in each crop, about.
TARGETS = {
    name: getattr(template, "points", TEMPLATES["arcface"].points)
    for name, template in TEMPLATES.items()
    if not template.needs_box
}


def by_definition(image, matrix, size):
    """Bilinear interpolation at the position each pixel comes from."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    height, width = size
    out = np.zeros((height, width, 3))
    for v in range(height):
        for u in range(width):
            x, y, _ = inverse @ (u, v, 1)
            i, j = int(np.floor(y)), int(np.floor(x))
            for k, m in np.ndindex(2, 2):
                weight = (1 - abs(y - i - k)) * (1 - abs(x - j - m))
                inside = (
                    0 <= i + k < image.shape[0] and 0 <= j + m < image.shape[1]
                )
                if inside:
                    out[v, u] += weight * image[i + k, j + m]
    return out


def smooth(height=220, width=200):
    y, x = np.mgrid[:height, :width]
    return np.stack(
        [127 + 120 * np.sin(x / 9), 127 + 120 * np.cos(y / 7), x % 256],
        axis=2,
    ).astype(np.uint8)


@pytest.mark.parametrize("name", TARGETS)
def test_is_bilinear_and_black_outside(name):
    image = smooth()
    template = TEMPLATES[name]
    angle = np.array([[0.9, -0.35], [0.35, 0.9]])
    points = TARGETS[name] @ angle.T * 1.1 + (60, -20)
    crop = align(image, points, name)
    assert crop.shape == (*template.size, 3) and crop.dtype == np.uint8
    expected = by_definition(
        image, similarity_transform(points, template), template.size
    )
    # OpenCV rounds positions to 1/32 of a pixel: 4 gray levels along each
    # axis where the photo ends.
    assert np.abs(crop - expected).max() <= 8
    assert np.abs(crop - expected).mean() < 0.5
    assert (crop == 0).all(axis=2).any()


def test_sphereface_is_matlabs_procedure():
    """All positions counted from 1, as the authors' code has them."""
    image = smooth()
    published = np.array(
        [
            (30.2946, 51.6963),
            (65.5318, 51.5014),
            (48.0252, 71.7366),
            (33.5493, 92.3655),
            (62.7299, 92.2041),
        ]
    )
    # Matlab's detector calls the first pixel 1.
    points = published * 1.3 + (20, 10)
    matrix = similarity_transform(points, published)
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    expected = np.zeros((112, 96, 3))
    for v in range(1, 113):
        for u in range(1, 97):
            x, y, _ = inverse @ (u, v, 1)
            i, j = int(np.floor(y)), int(np.floor(x))
            for k, m in np.ndindex(2, 2):
                weight = (1 - abs(y - i - k)) * (1 - abs(x - j - m))
                # Pixel (1, 1) of Matlab is [0, 0] here.
                expected[v - 1, u - 1] += weight * image[i + k - 1, j + m - 1]
    crop = align(image, points - 1, "sphereface")
    assert np.abs(crop - expected)[..., :2].max() <= 1.5
    shifted = align(image, points, "sphereface")
    assert np.abs(shifted - expected)[..., :2].max() > 8


def test_landmarks_on_the_template_copy_the_photo():
    image = smooth(150, 150)
    points = TEMPLATES["dlib"].points
    np.testing.assert_array_equal(align(image, points, "dlib"), image)
    np.testing.assert_array_equal(
        align(image, points, "dlib", antialias=True), image
    )


def test_landmarks_of_an_aligned_crop_lie_on_the_template():
    image = np.zeros((200, 300, 3), np.uint8)
    points = np.array([(95, 60), (151, 66), (120, 95), (92, 118), (139, 124)])
    for x, y in points:
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    crop = align(image, points, "dlib")[:, :, 0].astype(float)
    matrix = similarity_transform(points, "dlib")
    for point in points:
        u, v = matrix @ (*point, 1)
        i, j = round(v), round(u)
        part = crop[i - 5 : i + 6, j - 5 : j + 6]
        y, x = np.mgrid[i - 5 : i + 6, j - 5 : j + 6]
        center = (part * x).sum() / part.sum(), (part * y).sum() / part.sum()
        np.testing.assert_allclose(center, (u, v), atol=0.1)


def test_antialiasing_averages_a_face_that_shrinks():
    # Stripes of one pixel: gray on average, black or white by sampling.
    image = np.zeros((900, 900, 3), np.uint8)
    image[:, ::2] = 255
    points = TEMPLATES["dlib"].points * 6
    plain = align(image, points, "dlib").astype(float)
    smooth_crop = align(image, points, "dlib", antialias=True).astype(float)
    assert np.abs(smooth_crop - 127.5)[1:, 1:].max() < 1
    assert np.abs(plain - 127.5).max() > 90


def test_antialiasing_moves_nothing():
    y, x = np.mgrid[:907, :911]
    image = np.dstack([x / 4, y / 4, x * 0]).astype(np.uint8)
    points = TEMPLATES["dlib"].points * 4.3 + 11
    plain = align(image, points, "dlib").astype(float)
    fine = align(image, points, "dlib", antialias=True).astype(float)
    # A shift by one pixel of the crop would be a difference of 1.07.
    middle = (slice(2, -2), slice(2, -2))
    assert abs((plain - fine)[middle][..., :2].mean()) < 0.15


def test_gray_and_own_template():
    template = PointsTemplate(
        name="own", size=(10, 12), provenance="test", points=[(1, 1), (8, 1)]
    )
    crop = align(smooth()[:, :, 0], np.array([(5, 5), (12, 5)]), template)
    np.testing.assert_array_equal(crop, smooth()[4:14, 4:16, 0])


@pytest.mark.parametrize("border", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
def test_a_part_of_the_photo_gives_the_same_crop(border):
    """To the last bit; also of faces that the photo's edge cuts, or beyond."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (700, 900, 3), np.uint8)
    smaller = 0
    for _ in range(200):
        angle, scale = random.uniform(-3, 3), random.uniform(0.2, 4)
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        matrix = np.array([[c, -s, 0.0], [s, c, 0.0]])
        # The crop's middle anywhere in the photo, and around it.
        matrix[:, 2] = (48, 56) - matrix[:, :2] @ random.uniform(-300, 1200, 2)
        part, moved = cut(image, matrix, (112, 96))
        smaller += part.size < image.size / 4
        whole, same = (
            cv2.warpAffine(*each, (96, 112), borderMode=border)
            for each in ((image, matrix), (part, moved))
        )
        np.testing.assert_array_equal(whole, same)
    assert smaller > 100


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize(
    ("shape", "corner"),
    [((220, 40_000, 3), (39_000, 0)), ((40_000, 200, 3), (0, 39_000))],
)
def test_a_photo_of_40_000_pixels(shape, corner, antialias):
    """OpenCV alone warps none with a side of more than 32,766."""
    photo, long = smooth(), np.zeros(shape, np.uint8)
    x, y = corner
    long[y : y + 220, x : x + 200] = photo
    points = TEMPLATES["dlib"].points * 0.9 + (20, 30)
    crop = align(long, points + corner, "sphereface", antialias=antialias)
    expected = align(photo, points, "sphereface", antialias=antialias)
    np.testing.assert_array_equal(crop, expected)
    assert crop.std() > 40


def test_a_face_of_40_000_pixels():
    """Averages of it are warped, but no single pixels of it."""
    wide = np.zeros((400, 40_000), np.uint8)
    points = TEMPLATES["dlib"].points * 300
    with pytest.raises(ValueError, match=r"takes 400 x 4\d{4}; .*antialias"):
        align(wide, points, "dlib")
    assert align(wide, points, "dlib", antialias=True).shape == (150, 150)


@pytest.mark.parametrize(
    "image",
    [
        "photo.jpg",
        [[0, 1], [2, 3]],
        np.zeros((5, 5, 3)),
        np.zeros((5,), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_refuses_what_is_no_image(image):
    with pytest.raises(ValueError, match="`image` must be a uint8 array"):
        align(image, TEMPLATES["dlib"].points, "dlib")


def test_refuses_degenerate_landmarks():
    with pytest.raises(ValueError, match="all the same"):
        align(smooth(), np.ones((5, 2)), "dlib")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_batch_is_as_one_by_one(name):
    photos = [smooth(), smooth(300, 240), smooth()]
    faces = [
        Face((50.0, 40.0, 90.0, 120.0), TEMPLATES["dlib"].points * scale, 1.0)
        for scale in (0.8, 1.4, 4.0)
    ]
    crops = align_many(photos, faces, name, antialias=True)
    assert crops.dtype == np.uint8 and len(crops) == 3
    for crop, photo, face in zip(crops, photos, faces, strict=True):
        np.testing.assert_array_equal(
            crop, align(photo, face, name, antialias=True)
        )


def test_a_batch_of_landmarks_and_of_nothing():
    points = np.stack([TEMPLATES["dlib"].points, TEMPLATES["dlib"].points + 9])
    crops = align_many([smooth()] * 2, points, "arcface")
    assert crops.shape == (2, 112, 112, 3)
    assert (crops[0] != crops[1]).any()
    assert align_many([], [], "sphereface").shape == (0, 112, 96, 3)


def test_a_batch_names_the_photo_it_refuses():
    points = [TEMPLATES["dlib"].points, np.ones((5, 2))]
    with pytest.raises(ValueError, match=r"photo 1 of the list: No simil"):
        align_many([smooth()] * 2, points, "dlib")
    with pytest.raises(ValueError, match=r"2 faces, 1 images"):
        align_many([smooth()], points, "dlib")
