"""What was measured, for people."""

import math
from pathlib import Path

from keras_hypersphere.evaluation.report import FAR

SCALES = {
    "cosine": "cosine",
    "l2": "distance",
    "squared-l2": "distance²",
    "decision": "decision value",
}
# Photos without an embedding that are named.
NAMED = 5
DISTRACTORS = "pairs of a probe and a distractor"


def text(found: dict) -> str:
    """The figures as lines."""
    return (of_probes if found["set"] == "megaface" else of_pairs)(found)


def of_pairs(found: dict) -> str:
    """A protocol with folds."""
    videos = "videos" in found
    things = (
        f"{found['videos']} videos" if videos else (f"{found['photos']} photos")
    )
    lines = [
        f"{found['model']} on {Path(found['list']).name}: {found['pairs']} "
        f"pairs of {things}, faces: {found['faces']}",
        f"protocol {found['protocol']}, distance {found['distance']}",
        "",
        f"accuracy   {found['accuracy']:.2%} ± {found['std']:.2%} (standard "
        f"deviation of the folds; of the mean {found['standard_error']:.2%})",
        f"threshold  {min(found['thresholds']):.4f} to "
        f"{max(found['thresholds']):.4f}",
        *of_card(found),
        f"AUC        {found['auc']:.5f}",
        f"EER        {found['eer']:.2%}",
        f"TAR        {found['tar_at_far_0.001']:.2%} at FAR {FAR:.1%}",
        *note(too_few(found["different_pairs"], FAR)),
        "",
        f"fold  accuracy  threshold ({SCALES[found['distance']]})",
    ]
    folds = zip(found["folds"], found["thresholds"], strict=True)
    for number, (accuracy, threshold) in enumerate(folds, 1):
        lines.append(f"{number:4}  {accuracy:8.2%}  {threshold:9.4f}")
    lines.append("")
    lost = found["photos_without_embedding"]
    if lost:
        lines.append(
            f"{'videos' if videos else 'photos'} without an embedding: "
            f"{len(lost)}; pairs counted as errors for it: "
            f"{found['pairs_lost']}"
        )
        lines += named(lost)
    if found.get("frames_without_embedding"):
        lines.append(
            f"frames without an embedding: "
            f"{found['frames_without_embedding']}; they are left out"
        )
    lines.append(pace(found["photos"], "frames" if videos else "photos", found))
    if "report" in found:
        lines.append(f"report in {found['report']}")
    return "\n".join(lines)


def of_card(found: dict) -> list[str]:
    """The accuracy at the card's threshold; nothing where it has none."""
    if "card_threshold" not in found:
        return []
    return [
        f"{'':10} {found['accuracy_at_card_threshold']:.2%} at the threshold "
        f"of the model's card, {found['card_threshold']:g}"
    ]


def of_probes(found: dict) -> str:
    """MegaFace."""
    lines = [
        f"{found['model']}: {found['probes']} probes of {found['persons']} "
        f"persons among {found['distractors']:,} distractors, faces: "
        f"{found['faces']}",
        f"distance {found['distance']}, {found['couples']} couples of a probe "
        "and another photo of its person",
        "",
        f"rank 1     {found['rank_1']:.3%}",
    ]
    if len(found["ranks"]) > 1:
        lines.append(f"rank {len(found['ranks']):<5} {found['ranks'][-1]:.3%}")
    lines += [
        f"TAR        {found['tar']:.3%} at FAR {found['far']:g}",
        *note(too_few(found["different_pairs"], found["far"], DISTRACTORS)),
        f"threshold  {found['threshold']:.4f} ({SCALES[found['distance']]})",
        "",
    ]
    lost = found["photos_without_embedding"]
    if lost:
        lines.append(
            f"probes without an embedding: {len(lost)}; their couples are "
            "counted as errors"
        )
        lines += named(lost)
    lost = found["distractors_without_embedding"]
    if lost:
        lines.append(
            f"distractors without an embedding: {len(lost)}; they are left out"
        )
        lines += named(lost)
    if found.get("distractors_skipped"):
        lines.append(
            "rows of distractors without an embedding: "
            f"{found['distractors_skipped']:,}; they are left out"
        )
    photos = found["probes"] + found["distractors"]
    if found.get("distractors_stored") and not found["faces"].startswith(
        "embeddings"
    ):
        photos = found["probes"]
    lines.append(pace(photos, "faces", found))
    return "\n".join(lines)


def is_too_few(pairs: int, far: float) -> bool:
    """Whether a false accept rate allows none of so many pairs."""
    return pairs * far < 1 - 1e-9 and far > 0


def too_few(pairs: int, far: float, noun: str = "different pairs") -> str:
    """Says what a TAR means that few pairs gave, or nothing."""
    if not is_too_few(pairs, far):
        return ""
    needed = math.ceil(1 / far - 1e-6)
    rate = f"{far:.1%}" if far >= FAR else f"{far:g}"
    return (
        f"{pairs:,} {noun} are too few for a FAR of {rate}, which takes "
        f"{needed:,}: this is the TAR without any false accept."
    )


def note(words: str) -> list[str]:
    """A line below a figure; none without words."""
    return [f"{'':10} {words}"] if words else []


def named(lost: dict[str, str]) -> list[str]:
    """Some photos without an embedding, and why."""
    lines = [f"  {photo}: {why}" for photo, why in list(lost.items())[:NAMED]]
    return lines + (["  … (--json names all)"] if len(lost) > NAMED else [])


def pace(count: int, noun: str, found: dict) -> str:
    """How fast photos were embedded, or files read."""
    if found["faces"].startswith("embeddings"):
        return f"{count} {noun} read in {found['seconds']:.1f} s"
    rate = count / max(found["seconds"], 1e-9)
    return (
        f"{count} {noun} embedded in {found['seconds']:.1f} s, "
        f"{rate:.0f} a second"
    )
