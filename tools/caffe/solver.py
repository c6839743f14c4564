"""solver.prototxt → a Keras optimizer that does the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere.caffe_format.contents import read_file
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.legacy import upgrade
from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.caffe_format.schema import NetParameter, SolverParameter
from keras_hypersphere.caffe_format.text import parse_text
from keras_hypersphere.optimizers.caffe_sgd import CaffeSGD
from keras_hypersphere.schedules.caffe_learning_rate import (
    REQUIRED,
    CaffeLearningRate,
)
from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.network.preprocessing import shortest
from keras_hypersphere.tools.caffe.network.rules import make_state
from keras_hypersphere.tools.caffe.record import name_map

NETS = ("net", "net_param", "train_net", "train_net_param")
# By the numbers of the enum that came before the names.
TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")
# Fields of forks that change nothing: what is computed and written besides.
FIRST_OF_FORKS = 20000
HARMLESS = frozenset(
    {
        "ap_version",
        "engine",
        "eval_type",
        "larc_eta",
        "larc_policy",
        "larc_turbo",
        "max_momentum",
        "max_weight_decay",
        "momentum_power",
        "plateau_winsize",
        "show_per_class_result",
        "store_blobs_in_old_format",
        "test_and_snapshot_last_epochs",
        "test_offset",
        "weight_decay_power",
    }
)
# These count updates in whole steps, which `iter_size` makes longer.
STEPPED = ("fixed", "step", "multistep")

Multipliers = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Solver:
    """What a solver file says besides the optimizer.

    Attributes:
        file: Its path.
        net: Path of the network to train, or None if it is in the solver
            file itself.
        max_iter: How many updates to make.
        iter_size: How many batches make an update.
        random_seed: Or -1: by the clock.
        parameter: All of it, as a message.
    """

    file: str
    net: str | None
    max_iter: int
    iter_size: int
    random_seed: int
    parameter: Any


def read_solver(
    path: str | PathLike,
    model: keras.Model | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> keras.optimizers.Optimizer:
    """Reads a solver.prototxt.

    Rates, momentum, decay, policy and the multipliers of each blob
    (`lr_mult`, `decay_mult`, which stand in the network) become a
    `kh.optimizers.CaffeSGD`. Solvers of the types Adam and AdaDelta become
    Keras' own where no blob has a multiplier and nothing decays; those of
    AdaGrad and RMSProp divide by another root than Keras and are refused.

    Args:
        path: The solver file. The network that it names is looked for
            next to it, and from the folders above it on.
        model: What `to_keras(..., phase="TRAIN")` made. Default: the
            network is converted to see what its weights are called.
        input_shapes: As in `to_keras`, for that conversion.

    Returns:
        An optimizer for `model.compile`. Its attribute `solver` has the rest
        of the file: `solver.net`, `solver.max_iter` and more.

    Raises:
        FileNotFoundError: If the file or its network does not exist.
        CaffeFormatError: If it is no solver; an unknown field is refused
            with its line.
        UnsupportedLayerError: If Keras has no such solver.

    Example::

        optimizer = read_solver("solver.prototxt")
        model = to_keras(optimizer.solver.net, phase="TRAIN")
        model.compile(optimizer)
    """
    file = fspath(path)
    settings = read_message(path, file)
    kind = solver_type(settings, file)
    source = train_net(settings, file, model is None)
    record = None if model is None else name_map(model)
    if record is None:
        if source is None:
            raise CaffeFormatError(
                "names no network, and the model's names are not known; add "
                '`net: "train_val.prototxt"`, or pass what `to_keras` returned',
                file,
            )
        record = name_map(converted(settings, source, file, input_shapes))
    optimizer = make(settings, kind, multipliers(record), file)
    optimizer.solver = Solver(
        file=file,
        net=source if isinstance(source, str) else None,
        max_iter=settings.max_iter,
        iter_size=settings.iter_size,
        random_seed=settings.random_seed,
        parameter=settings,
    )
    return optimizer


def read_message(path: str | PathLike, file: str) -> SolverParameter:
    """The file as a message."""
    content, kind = read_file(path, file)
    if kind != "text":
        raise CaffeFormatError(
            "is a binary file, where a solver.prototxt (text) was expected",
            file,
        )
    settings = SolverParameter()
    parse_text(content, settings, file)
    for field, value in settings.ListFields():
        other = field.number >= FIRST_OF_FORKS and value != field.default_value
        if other and field.name not in HARMLESS:
            raise UnsupportedLayerError(
                f"`{field.name}` is of a fork of Caffe, whose training it "
                "changes, and is not supported; only Caffe's own settings are",
                file,
            )
    return settings


def solver_type(settings: SolverParameter, file: str) -> str:
    """The type, which was an enum once."""
    if settings.HasField("solver_type"):
        if settings.HasField("type"):
            raise CaffeFormatError(
                "gives `type` and `solver_type`; give one of them", file
            )
        if settings.solver_type >= len(TYPES):
            raise UnsupportedLayerError(
                f"`solver_type` is of a fork of Caffe; {', '.join(TYPES)} are "
                "supported, by number or as `type`",
                file,
            )
        return TYPES[settings.solver_type]
    if settings.type not in TYPES:
        raise CaffeFormatError(
            f'`type: "{settings.type}"` is not a solver of Caffe: '
            f"{', '.join(TYPES)}",
            file,
        )
    return settings.type


def train_net(
    settings: SolverParameter, file: str, needed: bool
) -> str | NetParameter | None:
    """The network to train: a path, or a message inside the solver."""
    given = [name for name in NETS if settings.HasField(name)]
    if len(given) > 1 or (needed and not given):
        raise CaffeFormatError(
            f"names {len(given)} networks to train ({', '.join(given)}); give "
            'one, such as `net: "train_val.prototxt"`'
            if given
            else 'names no network; add `net: "train_val.prototxt"`, or pass '
            "the model",
            file,
        )
    if not given:
        return None
    value = getattr(settings, given[0])
    if not isinstance(value, str):
        return upgrade(value, file)
    folder = Path(file).absolute().parent
    # Caffe reads paths from where it was started, often its own root.
    for base in (folder, *folder.parents):
        if (base / value).is_file():
            return str(base / value)
    neighbor = folder / Path(value).name
    if neighbor.is_file():
        return str(neighbor)
    if needed:
        raise FileNotFoundError(
            f"{file}: names the network {value}, which is neither in "
            f"{folder} nor reached from the folders above it; correct `net`"
        )
    return value


def converted(
    settings: SolverParameter,
    source: str | NetParameter,
    file: str,
    input_shapes: Mapping[str, tuple[int, ...]] | None,
) -> keras.Model:
    """The network, for the names of its weights."""
    net = read_prototxt(source) if isinstance(source, str) else source
    train = settings.train_state
    network = CaffeNetwork(
        net,
        source if isinstance(source, str) else file,
        make_state("TRAIN", [*train.stage, *net.state.stage], train.level),
        input_shapes=input_shapes,
    )
    return network.to_keras()


def multipliers(record: Mapping[str, Any]) -> Multipliers:
    """`(lr_mult, decay_mult)` by the path of the variable, but for (1, 1)."""
    found: dict[str, list[float | None]] = {}
    for layer in record["layers"]:
        pairs = zip(layer["weights"], layer["multipliers"], strict=False)
        for path, given in pairs:
            pair = found.setdefault(path, [None, None])
            # Of layers that share a blob, one may say what counts for all.
            for index, value in enumerate(given):
                pair[index] = value if value is not None else pair[index]
    complete = {
        escape(path): (
            1.0 if rate is None else rate,
            1.0 if decay is None else decay,
        )
        for path, (rate, decay) in found.items()
    }
    return {path: pair for path, pair in complete.items() if pair != (1, 1)}


def make(
    settings: SolverParameter, kind: str, pairs: Multipliers, file: str
) -> keras.optimizers.Optimizer:
    """The optimizer of a type."""

    def refuse(message: str) -> None:
        raise UnsupportedLayerError(message, file)

    decay = shortest(settings.weight_decay)
    if decay and settings.regularization_type != "L2":
        refuse(
            f'`regularization_type: "{settings.regularization_type}"` is not '
            'supported; "L2" is'
        )
    common = accumulation(settings, file)
    try:
        rate = schedule(settings, file)
        if kind in ("SGD", "Nesterov"):
            if kind == "Nesterov":
                common["nesterov"] = True
            return CaffeSGD(
                rate,
                momentum=shortest(settings.momentum),
                weight_decay=decay,
                multipliers=pairs,
                **common,
            )
        if kind not in ("Adam", "AdaDelta"):
            refuse(
                f"the solver {kind} is not supported: Keras' divides by "
                "another root; SGD, Nesterov, Adam and AdaDelta are"
            )
        if decay or any(lr_mult != 1 for lr_mult, _ in pairs.values()):
            refuse(
                f"the solver {kind} is supported only where `weight_decay` is "
                "0 and each `lr_mult` 1: Keras' has neither"
            )
        if kind == "AdaDelta":
            return keras.optimizers.Adadelta(
                rate,
                rho=shortest(settings.momentum),
                epsilon=shortest(settings.delta),
                **common,
            )
        return keras.optimizers.Adam(
            rate,
            beta_1=shortest(settings.momentum),
            beta_2=shortest(settings.momentum2),
            epsilon=shortest(settings.delta),
            **common,
        )
    except (CaffeFormatError, UnsupportedLayerError):
        raise
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise CaffeFormatError(reason, file) from error


def accumulation(settings: SolverParameter, file: str) -> dict[str, Any]:
    """`iter_size` and `clip_gradients` as Keras has them."""
    size, clip = settings.iter_size, shortest(settings.clip_gradients)
    if size < 1:
        raise CaffeFormatError(f"`iter_size: {size}` must be 1 or more", file)
    if clip == 0:
        raise CaffeFormatError(
            "`clip_gradients: 0` would stop all learning; leave it out, or "
            "give a length",
            file,
        )
    found: dict[str, Any] = {}
    if clip > 0:
        # Caffe clips the sum over batches, Keras their mean.
        found["global_clipnorm"] = clip / size
    if size > 1:
        found["gradient_accumulation_steps"] = size
    return found


def schedule(settings: SolverParameter, file: str) -> CaffeLearningRate:
    """The learning rate's policy and what it needs."""
    policy, size = settings.lr_policy, settings.iter_size
    if policy not in REQUIRED:
        raise CaffeFormatError(
            f'`lr_policy: "{policy}"` must be one of {", ".join(REQUIRED)}',
            file,
        )
    if size > 1 and policy not in STEPPED:
        raise UnsupportedLayerError(
            f'`iter_size` with `lr_policy: "{policy}"` is not supported; with '
            f"{', '.join(STEPPED)} it is",
            file,
        )
    # Keras counts batches, Caffe updates.
    values = {
        "gamma": shortest(settings.gamma),
        "power": shortest(settings.power),
        "stepsize": settings.stepsize * size,
        "stepvalue": [step * size for step in settings.stepvalue],
        "max_iter": settings.max_iter,
    }
    return CaffeLearningRate(
        policy,
        shortest(settings.base_lr),
        **{name: values[name] for name in REQUIRED[policy]},
    )
