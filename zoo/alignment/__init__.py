"""Faces in photos: detection, landmarks, templates, aligned crops."""

from keras_hypersphere.zoo.alignment.box_template import BoxTemplate
from keras_hypersphere.zoo.alignment.detection import detect
from keras_hypersphere.zoo.alignment.eyes_template import EyesTemplate
from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.no_face_error import NoFaceError
from keras_hypersphere.zoo.alignment.points_template import PointsTemplate
from keras_hypersphere.zoo.alignment.selection import select_face
from keras_hypersphere.zoo.alignment.similarity import similarity_transform
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.templates import TEMPLATES, get_template
from keras_hypersphere.zoo.alignment.warp import align, align_many

__all__ = [
    "TEMPLATES",
    "BoxTemplate",
    "EyesTemplate",
    "Face",
    "FaceDetector",
    "NoFaceError",
    "PointsTemplate",
    "Template",
    "align",
    "align_many",
    "detect",
    "get_template",
    "select_face",
    "similarity_transform",
]
