"""How a face lies in the crop a model was trained on.

All points are (x, y) in 0-based pixel coordinates: (0, 0) is the center of
the top left pixel. Matlab counts from 1, so its templates are less 1 here.
The order is left eye, right eye, nose, left and right corner of the mouth,
as the viewer sees them.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from keras_hypersphere.zoo.alignment.box_template import BoxTemplate
from keras_hypersphere.zoo.alignment.eyes_template import EyesTemplate
from keras_hypersphere.zoo.alignment.points_template import PointsTemplate
from keras_hypersphere.zoo.alignment.template import Template

MATLAB_ORIGIN = 1.0

DLIB = PointsTemplate(
    name="dlib",
    points=np.array(
        [
            (47.549, 46.599),
            (100.476, 46.599),
            (74.013, 76.5625),
            (50.415, 103.023),
            (97.610, 103.023),
        ]
    ),
    size=(150, 150),
    provenance=(
        "five points fitted to the 150 x 150 chips of dlib's face "
        "recognition network (dlib itself aligns by other landmarks)"
    ),
)

SPHEREFACE = PointsTemplate(
    name="sphereface",
    points=np.array(
        [
            (30.2946, 51.6963),
            (65.5318, 51.5014),
            (48.0252, 71.7366),
            (33.5493, 92.3655),
            (62.7299, 92.2041),
        ]
    )
    - MATLAB_ORIGIN,
    size=(112, 96),
    provenance=(
        "wy1iu/sphereface, preprocess/code/face_align_demo.m, 1-based "
        "there; CenterFace and NormFace use the same"
    ),
)

ARCFACE = PointsTemplate(
    name="arcface",
    points=np.array(
        [
            (38.2946, 51.6963),
            (73.5318, 51.5014),
            (56.0252, 71.7366),
            (41.5493, 92.3655),
            (70.7299, 92.2041),
        ]
    ),
    size=(112, 112),
    provenance=(
        "deepinsight/insightface: SphereFace's numbers plus 8 in x, used "
        "as 0-based there, hence not less 1"
    ),
)

LIGHTCNN = EyesTemplate(
    name="lightcnn",
    # In Matlab's crop the middle of the eyes is pixel (65, 41), from 1.
    eyes=(64.0, 40.0),
    mouth=88.0,
    size=(128, 128),
    provenance=(
        "AlfredXiangWu/face_verification_experiment, code/face_db_align.m "
        "with crop_size 128, ec_y 40 and ec_mc_y 48, as its README gives "
        "them for LFW"
    ),
)

LIGHTCNN_144 = EyesTemplate(
    name="lightcnn144",
    eyes=(72.0, 48.0),
    mouth=96.0,
    size=(144, 144),
    provenance=(
        "the same with crop_size 144 and ec_y 48, for training: LightCNN's "
        "own crops, of which the network gets 128 x 128 at random"
    ),
)

FACENET = BoxTemplate(
    name="facenet",
    margin=32.0,
    size=(160, 160),
    provenance=(
        "davidsandberg/facenet, src/align/align_dataset_mtcnn.py with "
        "--image_size 160 --margin 32, as its guide aligns LFW"
    ),
)

TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        template.name: template
        for template in (
            DLIB,
            SPHEREFACE,
            ARCFACE,
            LIGHTCNN,
            LIGHTCNN_144,
            FACENET,
        )
    }
)


def get_template(template: "str | Template") -> Template:
    """Returns a template by its name; a `Template` is handed back as it is.

    Args:
        template: A name, or a `Template`.

    Raises:
        ValueError: If there is no template of this name.

    Example:

    >>> kh.zoo.alignment.get_template("sphereface").size
    (112, 96)
    """
    if isinstance(template, Template):
        return template
    if not isinstance(template, str) or template not in TEMPLATES:
        raise ValueError(
            f"`template` must be one of {', '.join(TEMPLATES)}, or a "
            f"`Template`. Received: template={template!r}"
        )
    return TEMPLATES[template]
