"""Where the five landmarks of a face lie in the crop a model was trained on.

All points are (x, y) in 0-based pixel coordinates: (0, 0) is the center of
the top left pixel. Matlab counts from 1, so its templates are less 1 here.
The order is left eye, right eye, nose, left and right corner of the mouth,
as the viewer sees them.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from keras_hypersphere.zoo.alignment.template import Template

MATLAB_ORIGIN = 1.0

DLIB = Template(
    name="dlib",
    points=[
        (47.549, 46.599),
        (100.476, 46.599),
        (74.013, 76.5625),
        (50.415, 103.023),
        (97.610, 103.023),
    ],
    size=(150, 150),
    provenance=(
        "five points fitted to the 150 x 150 chips of dlib's face "
        "recognition network (dlib itself aligns by other landmarks)"
    ),
)

SPHEREFACE = Template(
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

ARCFACE = Template(
    name="arcface",
    points=[
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ],
    size=(112, 112),
    provenance=(
        "deepinsight/insightface: SphereFace's numbers plus 8 in x, used "
        "as 0-based there, hence not less 1"
    ),
)

TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {template.name: template for template in (DLIB, SPHEREFACE, ARCFACE)}
)


def get_template(template: "str | Template") -> Template:
    """Returns a template by its name; a `Template` is handed back as it is."""
    if isinstance(template, Template):
        return template
    if template not in TEMPLATES:
        raise ValueError(
            f"`template` must be one of {', '.join(TEMPLATES)}, or a "
            f"`Template`. Received: template={template!r}"
        )
    return TEMPLATES[template]
