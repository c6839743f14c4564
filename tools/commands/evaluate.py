"""Measures a model on pairs of photos: are both the same person?

`lfw` reads LFW's own list, `pairs` lines of `path_a path_b 0|1`. Each photo
is embedded once; the accuracy is cross-validated over folds. A photo without
a detected face is never left out: its pairs count as errors.
"""

import argparse
import json
import shlex
import time
from pathlib import Path

HELP = "measure a model on LFW or a list of pairs"
SETS = ("lfw", "pairs")
# As `evaluation.lfw.PROTOCOLS`, which would load NumPy.
PROTOCOLS = ("standard", "sphereface", "normface-pca")
DISTANCES = ("cosine", "l2", "squared-l2")
RULES = ("center", "largest")
FOLDS = 10
# The options that decide what is measured, in the order of the help.
COMMAND_WORDS = (
    "images",
    "pairs",
    "landmarks",
    "model",
    "protocol",
    "distance",
    "folds",
    "face",
    "report",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb reads."""
    parser.add_argument(
        "set",
        choices=SETS,
        help="lfw: the list is LFW's pairs.txt; "
        "pairs: it holds lines `path_a path_b 0|1`",
    )
    parser.add_argument(
        "--images",
        required=True,
        metavar="DIR",
        help="folder the paths of photos start from",
    )
    parser.add_argument(
        "--pairs", required=True, metavar="FILE", help="the list of pairs"
    )
    parser.add_argument(
        "--landmarks",
        metavar="NPZ",
        help="arrays `names` and `landmarks` (n, 5, 2), 0-based pixels: use "
        "these points instead of detecting faces",
    )
    parser.add_argument(
        "--model",
        default="dlib-resnet",
        metavar="NAME",
        help="a model of the zoo, see `keras-hypersphere models` "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default="standard",
        help="how the threshold is found (default: %(default)s)",
    )
    parser.add_argument(
        "--distance",
        choices=DISTANCES,
        help="how embeddings are compared (default: the model card's, or the "
        "protocol's own)",
    )
    parser.add_argument(
        "--folds",
        type=fold_count,
        metavar="N",
        help=f"consecutive blocks of the list (default: its own, or {FOLDS})",
    )
    parser.add_argument(
        "--face",
        choices=RULES,
        help="which of several detected faces is meant (default: center for "
        "lfw, whose photos center their person, else largest)",
    )
    parser.add_argument(
        "--report",
        metavar="DIR",
        help="write an HTML page with curves and the hardest pairs",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document"
    )


def fold_count(word: str) -> int:
    """Reads the number of folds: a whole number from 2."""
    if not word.isascii() or not word.isdigit() or int(word) < 2:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 2, received {word!r}"
        )
    return int(word)


def run(arguments: argparse.Namespace) -> int:
    """Embeds the photos, scores the pairs, prints what was found."""
    from keras_hypersphere.evaluation import read_lfw_pairs, read_pairs
    from keras_hypersphere.evaluation.folds import (
        fold_of_pair,
        require_trainable,
    )
    from keras_hypersphere.tools.evaluation.landmarks import read_landmarks

    # Whatever can be wrong with the input is said before minutes of work.
    read = read_lfw_pairs if arguments.set == "lfw" else read_pairs
    pairs = read(arguments.pairs)
    pairs.require_photos(arguments.images)
    folds = arguments.folds or pairs.folds or FOLDS
    require_trainable(*fold_of_pair(folds, len(pairs)), pairs.same)
    landmarks = arguments.landmarks and read_landmarks(arguments.landmarks)
    if arguments.report:
        Path(arguments.report).mkdir(parents=True, exist_ok=True)

    from keras_hypersphere.evaluation import lfw
    from keras_hypersphere.tools.evaluation.embedding import embed_photos
    from keras_hypersphere.zoo import FaceEmbedder

    embedder = FaceEmbedder.from_preset(arguments.model)
    photos = pairs.photos()
    rule = arguments.face or ("center" if arguments.set == "lfw" else "largest")
    start = time.perf_counter()
    faces = embed_photos(embedder, arguments.images, photos, landmarks, rule)
    seconds = time.perf_counter() - start
    left, right = pairs.indices()
    distance = arguments.distance
    if distance is None:
        # The published procedures bring their own.
        standard = arguments.protocol == "standard"
        distance = embedder.card.distance if standard else "cosine"
    report = lfw(
        faces.embeddings[left],
        faces.embeddings[right],
        pairs.same,
        folds=folds,
        protocol=arguments.protocol,
        distance=distance,
        failed=faces.failed[left] | faces.failed[right],
    )
    found = {
        "set": arguments.set,
        "model": embedder.card.name,
        "protocol": report.protocol,
        "distance": report.distance,
        "faces": "landmarks" if landmarks else f"detected, {rule}",
        "pairs": len(pairs),
        "photos": len(photos),
        "photos_without_embedding": faces.failures,
        "pairs_lost": int((faces.failed[left] | faces.failed[right]).sum()),
        "accuracy": report.accuracy,
        "std": report.std,
        "standard_error": report.standard_error,
        "auc": report.auc,
        "eer": report.eer,
        "tar_at_far_0.001": report.tar,
        "folds": report.folds.tolist(),
        "thresholds": report.thresholds.tolist(),
        "seconds": round(seconds, 2),
        "command": command(arguments),
    }
    if arguments.report:
        from keras_hypersphere.tools.reports.page import write_report

        page = write_report(
            arguments.report,
            report,
            pairs,
            arguments.images,
            embedder.card,
            found,
            command(arguments),
        )
        found["report"] = str(page)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print(text(found, Path(arguments.pairs)))
    return 0


def command(arguments: argparse.Namespace) -> str:
    """The words that ask for the same again."""
    words = ["keras-hypersphere", "evaluate", arguments.set]
    for name in [
        "images",
        "pairs",
        "landmarks",
        "model",
        "protocol",
        "distance",
        "folds",
        "face",
        "report",
    ]:
        value = getattr(arguments, name)
        if value is not None:
            words += [f"--{name}", str(value)]
    return shlex.join(words)


def text(found: dict, source: Path) -> str:
    """The same for people."""
    scale = {"cosine": "cosine", "l2": "distance", "squared-l2": "distance²"}
    lost = found["photos_without_embedding"]
    lines = [
        f"{found['model']} on {source.name}: {found['pairs']} pairs of "
        f"{found['photos']} photos, faces by {found['faces']}",
        f"protocol {found['protocol']}, distance {found['distance']}",
        "",
        f"accuracy   {found['accuracy']:.2%} ± {found['std']:.2%} (standard "
        f"deviation of the folds; of the mean {found['standard_error']:.2%})",
        f"threshold  {min(found['thresholds']):.4f} to "
        f"{max(found['thresholds']):.4f}",
        f"AUC        {found['auc']:.5f}",
        f"EER        {found['eer']:.2%}",
        f"TAR        {found['tar_at_far_0.001']:.2%} at FAR 0.1%",
        "",
        f"fold  accuracy  threshold ({scale[found['distance']]})",
    ]
    folds = zip(found["folds"], found["thresholds"], strict=True)
    for number, (accuracy, threshold) in enumerate(folds, 1):
        lines.append(f"{number:4}  {accuracy:8.2%}  {threshold:9.4f}")
    lines.append("")
    if lost:
        lines.append(
            f"photos without an embedding: {len(lost)}; pairs counted as "
            f"errors for it: {found['pairs_lost']}"
        )
        lines += [f"  {photo}: {why}" for photo, why in list(lost.items())[:5]]
        lines += ["  … (--json names all)"] if len(lost) > 5 else []
    rate = found["photos"] / max(found["seconds"], 1e-9)
    lines.append(
        f"{found['photos']} photos embedded in {found['seconds']:.1f} s, "
        f"{rate:.0f} a second"
    )
    if "report" in found:
        lines.append(f"report in {found['report']}")
    return "\n".join(lines)
