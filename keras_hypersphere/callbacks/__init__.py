"""What to watch while training."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.callbacks.margin_monitor import MarginMonitor
from keras_hypersphere.callbacks.verification_callback import (
    VerificationCallback,
)

__all__ = ["MarginMonitor", "VerificationCallback"]
