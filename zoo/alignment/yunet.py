"""YuNet, the face detector that OpenCV brings: `cv2.FaceDetectorYN`.

It needs nothing but OpenCV and a file of 231 kB, and takes 4 ms for a photo
of 250 x 250 pixels. An instance works for one thread at a time.
"""

import os
import queue
from pathlib import Path

import cv2
import numpy as np

MODEL = Path(__file__).parents[1] / "weights" / "yunet.onnx"
# Overlap from which two boxes are one face, and boxes that are looked at:
# OpenCV's own defaults.
OVERLAP, CANDIDATES = 0.3, 5000
# A row of ours: left, top, width, height, confidence, five x and five y;
# OpenCV gives the points in pairs (x, y), and the confidence last.
ORDER = [0, 1, 2, 3, 14, *range(4, 14, 2), *range(5, 14, 2)]
# With a side of 32 pixels or fewer OpenCV 4.14 finds faces in what was in
# memory before.
LEAST = 33
# Detectors that nobody uses now: one takes 10 ms to make.
IDLE: queue.LifoQueue = queue.LifoQueue()


def find(image: np.ndarray, min_confidence: float) -> np.ndarray:
    """Finds faces in RGB uint8 pixels.

    Args:
        image: (height, width, 3).
        min_confidence: Less confident faces are left out.

    Returns:
        (faces, 15) float32 array, the most confident face first.
    """
    try:
        detector = IDLE.get_nowait()
    except queue.Empty:
        detector = cv2.FaceDetectorYN.create(
            str(MODEL), "", (320, 320), 0.6, OVERLAP, CANDIDATES
        )
    low, narrow = (max(0, LEAST - side) for side in image.shape[:2])
    pixels = cv2.copyMakeBorder(
        cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
        *(0, low, 0, narrow),
        cv2.BORDER_REPLICATE,
    )
    detector.setInputSize((pixels.shape[1], pixels.shape[0]))
    detector.setScoreThreshold(min_confidence)
    _, rows = detector.detect(pixels)
    IDLE.put(detector)
    if rows is None:
        return np.empty((0, len(ORDER)), np.float32)
    rows = rows[:, ORDER]
    return rows[np.argsort(-rows[:, 4], kind="stable")]


def forget() -> None:
    """A forked process shares no detector with its parent."""
    global IDLE
    IDLE = queue.LifoQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
