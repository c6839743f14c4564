"""YouTube Faces: pairs of videos, each a folder of frames."""

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from keras_hypersphere.evaluation import read_ytf_pairs, ytf
from keras_hypersphere.evaluation.folds import fold_of_pair, require_trainable
from keras_hypersphere.evaluation.ytf import FACENET_FRAMES
from keras_hypersphere.tools.evaluation.embedding_lookup import Stored
from keras_hypersphere.tools.evaluation.measured import Measured
from keras_hypersphere.tools.evaluation.photo_pairs import figures, heading
from keras_hypersphere.tools.evaluation.source import Source
from keras_hypersphere.zoo import images


def measure(arguments: argparse.Namespace, command: str) -> Measured:
    """Embeds the frames of a list of videos and scores its pairs.

    Args:
        arguments: Those of `evaluate ytf`.
        command: What was typed.

    Returns:
        What was found.
    """
    pairs = read_ytf_pairs(arguments.pairs)
    require_trainable(*fold_of_pair(pairs.folds, len(pairs)), pairs.same)
    source = Source(arguments, rule="center")
    names = pairs.photos()
    start = time.perf_counter()
    shown: dict[str, list[str]] = {}
    if source.stored:
        videos = stored_videos(source.stored, names)
        frames, failures = sum(map(len, videos.values())), {}
    else:
        listed = frames_of(Path(arguments.images), names)
        photos = [frame for video in listed.values() for frame in video]
        faces = source.embed(photos)
        frames, failures = len(photos), faces.failures
        # Frames without a face are left out, as all procedures do.
        ends = np.cumsum([len(video) for video in listed.values()])[:-1]
        videos = {
            name: rows[~failed]
            for name, rows, failed in zip(
                listed,
                np.split(faces.embeddings, ends),
                np.split(faces.failed, ends),
                strict=True,
            )
        }
        shown = {
            name: [frame for frame in video if frame not in failures]
            for name, video in listed.items()
        }
    seconds = time.perf_counter() - start
    left = [videos[name] for name in pairs.left]
    right = [videos[name] for name in pairs.right]
    # FaceNet averages its own distance, the others cosines.
    facenet = arguments.protocol == "facenet"
    report = ytf(
        left,
        right,
        pairs.same,
        folds=pairs.folds,
        protocol=arguments.protocol,
        distance=source.distance(None if facenet else "cosine"),
        max_frames=arguments.max_frames,
    )
    empty = [name for name, video in videos.items() if not len(video)]
    found = {
        **heading(arguments, source, pairs),
        "videos": len(names),
        "photos": frames,
        "frames_without_embedding": len(failures),
        "photos_without_embedding": {
            name: "no frame with an embedding" for name in empty
        },
        "pairs_lost": int(
            sum(
                a in empty or b in empty
                for a, b in zip(pairs.left, pairs.right, strict=True)
            )
        ),
        **figures(report),
        "seconds": round(seconds, 2),
        "command": command,
    }

    def draw() -> str:
        from keras_hypersphere.tools.reports import pairs_page

        limit = arguments.max_frames or (FACENET_FRAMES if facenet else None)
        files = {
            name: Path(arguments.images) / middle(video[:limit])
            for name, video in shown.items()
            if video
        }
        card = source.embedder.card
        return pairs_page.draw(report, pairs, files, card, found)

    return Measured(found, draw)


def middle(frames: Sequence[str]) -> str:
    """The frame that stands for its video in a picture."""
    return frames[len(frames) // 2]


def in_time(name: str) -> list:
    """A key that sorts frame 1000 behind frame 999."""
    parts = re.split("([0-9]+)", PurePosixPath(name).name)
    return [int(part) if part.isdigit() else part for part in parts]


def frames_of(folder: Path, videos: Sequence[str]) -> dict[str, list[str]]:
    """The frames of each video in their order, as paths below `folder`."""
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder of images: {folder}")
    missing = [video for video in videos if not (folder / video).is_dir()]
    if missing:
        more = ", …" if len(missing) > 3 else ""
        raise FileNotFoundError(
            f"{len(missing)} of {len(videos)} videos are missing in {folder}: "
            f"{', '.join(missing[:3])}{more}"
        )
    listed = {
        video: sorted(
            (
                f"{video}/{path.name}"
                for path in (folder / video).iterdir()
                if path.suffix.lower() in images.SUFFIXES
                and not path.name.startswith(".")
            ),
            key=in_time,
        )
        for video in videos
    }
    if not any(listed.values()):
        raise ValueError(f"None of the {len(videos)} videos has pictures.")
    return listed


def stored_videos(
    stored: Stored, videos: Sequence[str]
) -> dict[str, np.ndarray]:
    """The rows of each video: named as a frame below it, or as the video.

    Raises:
        ValueError: If there are none, or a name fits two folders.
    """
    rows: dict[str, list[int]] = {video: [] for video in videos}
    folders: dict[str, str] = {}
    depths = {len(PurePosixPath(video).parts) for video in videos}
    for row, name in enumerate(stored.names):
        path = PurePosixPath(name)
        for folder in (path, path.parent):
            for depth in depths:
                video = "/".join(folder.parts[-depth:])
                if video not in rows:
                    continue
                if folders.setdefault(video, str(folder)) != str(folder):
                    raise ValueError(
                        f"{stored.path}: {video} may be {folders[video]!r} "
                        f"or {str(folder)!r}. Name every video once."
                    )
                rows[video].append(row)
    if not any(rows.values()):
        raise ValueError(
            f"{stored.path} has no rows of the {len(videos)} videos. A "
            f"frame is named {videos[0]}/1.jpg; the file's rows are named "
            f"{', '.join(map(repr, stored.names[:2]))}."
        )
    return {
        # Sorting is stable: rows of one name keep their order.
        video: stored.embeddings[
            sorted(mine, key=lambda row: in_time(stored.names[row]))
        ]
        for video, mine in rows.items()
    }
