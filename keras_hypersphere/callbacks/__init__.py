"""What to watch while training."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.callbacks.exact_resume import ExactResume
from keras_hypersphere.callbacks.margin_monitor import MarginMonitor
from keras_hypersphere.callbacks.mining_monitor import MiningMonitor
from keras_hypersphere.callbacks.retrieval_callback import RetrievalCallback
from keras_hypersphere.callbacks.verification_callback import (
    VerificationCallback,
)

__all__ = [
    "ExactResume",
    "MarginMonitor",
    "MiningMonitor",
    "RetrievalCallback",
    "VerificationCallback",
]
