"""YouTube Faces: verification of videos with folds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.folds import (
    fold_of_pair,
    require_trainable,
)
from keras_hypersphere.evaluation.report import Report, report_of
from keras_hypersphere.evaluation.ytf_histogram import (
    histogram,
    normface_mean,
)
from keras_hypersphere.evaluation.ytf_mean import facenet, mean

PROTOCOLS = {
    "mean": mean,
    "facenet": facenet,
    "histogram": histogram,
    "normface-mean": normface_mean,
}
# Procedures that are defined by cosines alone.
COSINES = ("histogram", "normface-mean")
# FaceNet uses the first frames of a video only (or a thousand).
FACENET_FRAMES = 100


def ytf(
    frames_a: Sequence[ArrayLike],
    frames_b: Sequence[ArrayLike],
    same: ArrayLike,
    folds: int | ArrayLike = 10,
    protocol: str = "mean",
    distance: str = "cosine",
    max_frames: int | None = None,
    failed: ArrayLike | None = None,
) -> Report:
    """Measures how well pairs of videos are verified, by cross-validation.

    Every frame of one video is compared with every frame of the other. The
    threshold of a fold is found on all other folds.

    * `"mean"`: the mean cosine of all pairs of frames; the threshold as
      SphereFace finds it on LFW (the mean of all best ones among -1, -0.9999,
      … 1; a score on the threshold is an error). The paper does not say how
      it joins frames.
    * `"facenet"`: the mean over the first 100 frames of each video; the
      threshold with the fewest errors among all there are.
    * `"histogram"`: the mean of the training folds' videos (each video's own
      mean, as often as it occurs) is subtracted, frames are normalized, and
      their cosines counted in 100 equal bins over [-1, 1]. A support vector
      machine (C = 1) on the histogram intersection kernel,
      `K(a, b) = sum_i min(a_i, b_i)`, answers.
    * `"normface-mean"`: the same, with the mean of the cosines and a linear
      machine: NormFace's own point of comparison.

    Nothing is copied but the two videos at hand, in float64, and for
    `"histogram"` 8,000 bytes a pair and two kernel matrices (330 MB for the
    5,000 pairs).

    Args:
        frames_a: the first video of each pair: `n` arrays `(frames, d)` of
            embeddings, of any number of frames. A video of several pairs may
            be one array. A video without frames, `(0, d)`, shows no face: its
            pair counts as an error.
        frames_b: the second video of each pair.
        same: `(n,)` booleans (or 0 and 1): do both show one person?
        folds: an `(n,)` vector with the fold of each pair, as
            `read_ytf_pairs` gives, or a number of consecutive blocks.
        protocol: `"mean"`, `"facenet"`, `"histogram"` or `"normface-mean"`.
        distance: `"cosine"`, `"l2"` or `"squared-l2"` between two frames.
            With the latter, `"mean"` normalizes frames and spreads its
            thresholds over [0, 2] or [0, 4], `"facenet"` takes embeddings as
            they are; the others are defined by cosines alone.
        max_frames: how many frames of each video are used, the first ones.
            By default all, 100 with `"facenet"`.
        failed: optional `(n,)` booleans: further pairs that count as errors,
            take no part in anything else, and are not read.

    Returns:
        A `Report` as of `lfw`. The scores of `"histogram"` are the machines'
        values ("decision"), with thresholds of 0.

    Raises:
        ValueError: If an argument is not one of those above, or embeddings
            are not finite or not of one size.

    Example:

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> people = random.normal(size=(40, 32))
    >>> videos = [p + 0.3 * random.normal(size=(5, 32)) for p in people]
    >>> same = np.arange(40) % 2 == 0
    >>> others = [videos[i if same[i] else i - 1] for i in range(40)]
    >>> ytf(videos, others, same, folds=4).accuracy
    1.0

    Reference:

    * [YouTube Faces](https://www.cs.tau.ac.il/~wolf/ytfaces/), Wolf et al.,
      2011
    * [SphereFace](https://arxiv.org/abs/1704.08063), Liu et al., 2017
    * [FaceNet](https://arxiv.org/abs/1503.03832), Schroff et al., 2015
    * [NormFace](https://arxiv.org/abs/1704.06369), Wang et al., 2017
    """
    first, second = _videos(frames_a, "frames_a"), _videos(frames_b, "frames_b")
    if len(first) != len(second):
        raise ValueError(
            "`frames_a` and `frames_b` must hold one video each for every "
            f"pair. Received: {len(first)} and {len(second)} videos."
        )
    same = input_checks.as_flags(same, "same", len(first))
    input_checks.require_both_kinds(same, "`same`")
    _require_one_size(first, second)
    input_checks.require_distance(distance)
    input_checks.require_choice(protocol, "protocol", PROTOCOLS)
    if protocol in COSINES and distance != "cosine":
        raise ValueError(
            f"`distance` must be 'cosine' with protocol={protocol!r}. "
            f"Received: distance={distance!r}."
        )
    if max_frames is None and protocol == "facenet":
        max_frames = FACENET_FRAMES
    if max_frames is not None:
        if not isinstance(max_frames, (int, np.integer)) or max_frames < 1:
            raise ValueError(
                "`max_frames` must be a whole number from 1, or None for "
                f"all. Received: max_frames={max_frames!r}."
            )
        first = [video[:max_frames] for video in first]
        second = [video[:max_frames] for video in second]
    fold, count = fold_of_pair(folds, len(first))
    if failed is None:
        failed = np.zeros(len(first), bool)
    used = ~input_checks.as_flags(failed, "failed", len(first))
    used &= [
        len(a) > 0 and len(b) > 0 for a, b in zip(first, second, strict=True)
    ]
    require_trainable(fold[used], count, same[used])
    held_out = PROTOCOLS[protocol](
        [first[i] for i in np.flatnonzero(used)],
        [second[i] for i in np.flatnonzero(used)],
        same[used],
        fold[used],
        count,
        distance,
    )
    return report_of(held_out, same, fold, used, protocol)


def _videos(frames: Sequence[ArrayLike], name: str) -> list[np.ndarray]:
    """Returns the videos as matrices; arrays are not copied."""
    if not hasattr(frames, "__len__") or not hasattr(frames, "__getitem__"):
        raise ValueError(
            f"`{name}` must be a list of arrays (frames, dimensions), one a "
            f"pair. Received: {name} of type {type(frames).__name__}."
        )
    videos = []
    for index, video in enumerate(frames):
        matrix = np.asarray(video)
        if matrix.ndim != 2 or not matrix.shape[1]:
            raise ValueError(
                f"`{name}` must hold matrices (frames, dimensions); a video "
                "without frames is of shape (0, dimensions). "
                f"Received: {name}[{index}] of shape {matrix.shape}."
            )
        if matrix.dtype.kind not in "fiuV":
            raise ValueError(
                f"`{name}` must hold real numbers. "
                f"Received: {name}[{index}] of dtype {matrix.dtype}."
            )
        videos.append(matrix)
    return videos


def _require_one_size(
    first: list[np.ndarray], second: list[np.ndarray]
) -> None:
    sizes = sorted({video.shape[1] for video in first + second})
    if len(sizes) > 1:
        raise ValueError(
            "`frames_a` and `frames_b` must hold embeddings of one size. "
            f"Received: sizes {', '.join(map(str, sizes))}."
        )
