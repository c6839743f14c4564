"""What becomes of one network, and of the advice that its error gives."""

import math
import re
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_hypersphere.caffe_format import read_prototxt
from keras_hypersphere.tools.caffe import to_keras, verify
from keras_hypersphere.tools.caffe.building.conversion_context import (
    caffe_shape,
)
from keras_hypersphere.tools.caffe.building.keras_layers import Build
from keras_hypersphere.tools.caffe.cost import multiply_adds
from keras_hypersphere.tools.caffe.network.advice import check_types
from keras_hypersphere.tools.caffe.network.graph import build_graph
from keras_hypersphere.tools.caffe.network.rules import make_state
from tests.survey.random_weights import Zeros, write_weights

Options = dict[str, Any]

SHAPE = re.compile(r"--input-shape ([^\s=]+)=(\d+(?:x\d+)*)")
LISTED = re.compile(r"--(outputs|stages) ([^\s;,)]+(?:,[^\s;,)]+)*)")
OPTION = re.compile(r"--[a-z-]+")
PHASE = re.compile(r"--phase (TRAIN|TEST)")
# More than this is not followed: a user would have given up.
MOST_ADVICE = 3
# Multiply-adds of a sample; what costs more is verified on smaller images.
MOST_COST = 3e8
SEED = 0
# Weights of He, and smaller ones where activations of those explode.
GAINS = (2.0, 1.0)


class Stopped(Exception):
    """A network that went no further than a stage."""

    def __init__(
        self, stage: str, reason: str, advice: Sequence[str] = ()
    ) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason
        self.advice = advice


def examine(file: Path, verified: bool = True) -> dict[str, Any]:
    """The outcome of a network: as it is, or with what its errors advise.

    Args:
        file: The prototxt.
        verified: Whether converted networks are verified; else they are only
            built.

    Returns:
        `stage` (`"verified"`, or where it stopped), `reason`, and `advice`:
        the options that were followed, in their order. Of a network that
        nothing helps, stage and reason are those without options.
    """
    first: dict[str, Any] | None = None
    tries: list[tuple[Options, list[str]]] = [({}, [])]
    while tries:
        options, advice = tries.pop(0)
        try:
            run(file, options, verified)
        except Stopped as stopped:
            outcome = {"stage": stopped.stage, "reason": stopped.reason}
            first = first or {**outcome, "advice": []}
            if len(advice) < MOST_ADVICE and stopped.stage != "verification":
                tries += [
                    (merged, [*advice, words])
                    for more, words in advised(stopped.advice)
                    if (merged := merge(options, more)) != options
                ]
        else:
            stage = "verified" if verified else "converted"
            return {"stage": stage, "reason": "", "advice": advice} | (
                {"hint": first["reason"]} if first else {}
            )
    assert first is not None
    return first


def advised(advice: Iterable[str]) -> Iterator[tuple[Options, str]]:
    """What an error advises, and how a user would call it.

    Several shapes are one option that is given again.
    """
    for words in advice:
        shapes = {
            name: tuple(map(int, sizes.split("x")))
            for name, sizes in SHAPE.findall(words)
        }
        options: Options = {"input_shapes": shapes} if shapes else {}
        for option, names in LISTED.findall(words):
            options[option] = names.split(",")
        for phase in PHASE.findall(words):
            options["phase"] = phase
        called = dict.fromkeys(OPTION.findall(words))
        if options:
            yield options, " ".join(called)


def merge(options: Options, more: Options) -> Options:
    """Options with others, which win."""
    made = {**options, **more}
    if "input_shapes" in more:
        known = options.get("input_shapes", {})
        made["input_shapes"] = {**known, **more["input_shapes"]}
    return made


def run(file: Path, options: Options, verified: bool) -> None:
    """Takes a network as far as it goes.

    Raises:
        Stopped: Where it does not go on.
    """
    stage = "reading"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = read_prototxt(file)
            stage = "graph"
            build = begin(net, file, options)
            stage = "types"
            check_types(build.graph.nodes, str(file))
            stage = "conversion"
            build.run(build.graph.training)
            if not build.inputs:
                to_keras(file, **options)
            if verified:
                options, weights = affordable(net, build, file, options)
                stage = "verification"
                check(file, options, weights)
    except (ValueError, MemoryError, RecursionError) as error:
        advice = getattr(error, "advice", ())
        raise Stopped(stage, plain(error, file), advice) from error


def begin(net: Any, file: Path, options: Options) -> Build:
    """The network's graph, with weights of zero."""
    state = make_state(
        options.get("phase", "TEST"),
        (*options.get("stages", ()), *net.state.stage),
        0,
    )
    outputs, shapes = options.get("outputs"), options.get("input_shapes")
    graph = build_graph(net, state, outputs, str(file), shapes)
    return Build(graph, Zeros(net, str(file)), str(file), {})


def cost(build: Build) -> int:
    """Multiply-adds of a sample, as far as sizes are known."""

    def shapes(numbers: list[int]) -> list[tuple[int | None, ...]]:
        return [caffe_shape(build.tensors[number])[1:] for number in numbers]

    return sum(
        multiply_adds(node.parameter, shapes(node.bottoms), shapes(node.tops))
        or 0
        for node in build.graph.nodes
    )


def affordable(
    net: Any, build: Build, file: Path, options: Options
) -> tuple[Options, Zeros]:
    """The options, with smaller images where a network costs too much.

    One that takes no smaller images is verified on its own.
    """
    zeros: Any = build.weights
    scale = math.sqrt(MOST_COST / max(cost(build), 1))
    if scale >= 1:
        return options, zeros
    images = {
        name: tuple(tensor.shape[1:])
        for tensor, name in zip(
            build.inputs,
            (
                build.graph.values[number]
                for node in build.graph.nodes
                if node.type == "Input"
                for number in node.tops
            ),
            strict=True,
        )
        if len(tensor.shape) == 4 and None not in tensor.shape[1:]
    }
    smaller = {
        name: (shrink(height, scale), shrink(width, scale), channels)
        for name, (height, width, channels) in images.items()
    }
    less = merge(options, {"input_shapes": smaller})
    try:
        small = begin(net, file, less)
        small.run(small.graph.training)
    except ValueError:
        return options, zeros
    weights: Any = small.weights
    return less, weights


def shrink(side: int, scale: float) -> int:
    """A shorter side, a multiple of 32 if it can be."""
    return min(side, max(32, int(side * scale) // 32 * 32))


def check(file: Path, options: Options, weights: Zeros) -> None:
    """Converts with random weights and verifies.

    Raises:
        Stopped: If a blob differs or is unchecked.
    """
    for gain in GAINS:
        with tempfile.TemporaryDirectory() as folder:
            caffemodel = None
            if weights.asked:
                caffemodel = Path(folder, "random.caffemodel")
                write_weights(caffemodel, weights, SEED, gain)
            model = to_keras(file, caffemodel, **options)
            report = verify(model, file, caffemodel, **options)
        wrong = [row for row in report.rows if row.status != "ok"]
        if report.passed or any(row.status == "differs" for row in wrong):
            break
    if not report.passed:
        row = next((r for r in wrong if r.status == "differs"), wrong[0])
        relative = "" if row.relative is None else f"{row.relative:.1e}"
        raise Stopped(
            "verification",
            f"layer {row.layer!r} ({row.type}) {row.status}: "
            f"{row.reason or relative}",
        )


def plain(error: BaseException, file: Path) -> str:
    """An error's words without the path of the file."""
    words = str(error) or type(error).__name__
    return words.replace(f"{file}: ", "")
