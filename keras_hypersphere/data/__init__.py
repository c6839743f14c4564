"""Data sets of faces, and batches and labels on their way into a model."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.data.balanced_batches import BalancedBatches
from keras_hypersphere.data.balanced_dataset import balanced_dataset
from keras_hypersphere.data.face_batches import FaceBatches
from keras_hypersphere.data.face_dataset import face_dataset
from keras_hypersphere.data.face_loader import load_faces
from keras_hypersphere.data.labels_as_input import labels_as_input
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.face_files.open_faces import open_faces
from keras_hypersphere.face_files.record_writer import write_faces_rec
from keras_hypersphere.face_files.verification_bin import (
    read_verification_bin,
    write_verification_bin,
)

__all__ = [
    "BalancedBatches",
    "FaceBatches",
    "FaceSource",
    "balanced_dataset",
    "face_dataset",
    "labels_as_input",
    "load_faces",
    "open_faces",
    "read_verification_bin",
    "write_faces_rec",
    "write_verification_bin",
]
