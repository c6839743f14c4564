"""Damaged copies of small networks, each known by its number.

Why an engine of our own, and not Hypothesis: a case is a number, which makes
the same two files on any machine, so a worker may crash on it and it can
still be named and run again. And mutations must know the formats: random
bytes alone rarely come past the first tag.
"""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_hypersphere.caffe_format import NetParameter, read_prototxt
from keras_hypersphere.caffe_format.schema import LayerParameter

CORPUS = Path(__file__).parents[1] / "fixtures" / "caffe" / "conversion"
# Where damage hurts: borders of types, and sizes nobody has.
NUMBERS = (
    *(0, 1, 2, 3, 4, 5, 7, 8, 127, 128, 255, 4096, 65535, 10**6, 10**9),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**63 - 1, 2**64),
)
WORDS = (
    *(str(number) for number in NUMBERS),
    *("-1", "-2", "-2147483648", "0.5", "-1e30", "1e39", "nan", "inf"),
    *("true", "MAX", "TRAIN", "'data'", "'nosuch'", "''", "'a/b'", "'ü'"),
    *("{", "}", "<", ">", "[", "]", ":", ",", "#", '"', "\\x00", "layer"),
)
TOKEN = re.compile(r"[A-Za-z_]\w*|[-+.\w]+|'[^'\n]*'|\"[^\"\n]*\"|\S")

# Small ones, which are read and converted in no time.
MOST_BYTES = 20_000
NAMES = sorted(
    folder.name
    for folder in CORPUS.iterdir()
    if all(path.stat().st_size < MOST_BYTES for path in folder.glob("*model*"))
)

Random = np.random.Generator


def make_case(number: int, folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """Writes the files of one case.

    Args:
        number: Which one.
        folder: Where to.
        seed: Another seed makes other cases.

    Returns:
        Paths of the description and of the weights.
    """
    random = np.random.default_rng([seed, number])
    prototxt, model = originals(pick(random, NAMES))
    prototxt_path = folder / "net.prototxt"
    # Some damage the description, some the weights, some both.
    which = random.integers(8)
    if which < 4 or which == 7:
        prototxt = damage_prototxt(random, prototxt)
    if which >= 4:
        model = damage_model(random, model)
    prototxt_path.write_bytes(prototxt)
    model_path = folder / "net.caffemodel"
    model_path.write_bytes(model)
    return prototxt_path, model_path


def originals(name: str) -> tuple[bytes, bytes]:
    """The files of a recorded network."""
    folder = CORPUS / name
    models = [*folder.glob("model.caffemodel*")]
    deploy = (folder / "deploy.prototxt").read_bytes()
    # A network without weights gets those of another one.
    return deploy, (models or [CORPUS / "odd_names" / "model.caffemodel"])[
        0
    ].read_bytes()


def damage_prototxt(random: Random, content: bytes) -> bytes:
    """A description with damage in its bytes, words or messages."""
    way = random.integers(7)
    if way == 0:
        return damage_bytes(random, content)
    if way <= 2:
        return damage_words(random, content.decode()).encode()
    net = damage_message(random, parse(content))
    if way == 3:
        binary = net.SerializeToString()
        return damage_bytes(random, binary) if random.integers(2) else binary
    return str(net).encode()


def damage_model(random: Random, content: bytes) -> bytes:
    """Weights with damage in their bytes or messages."""
    if content.startswith(b"\x89HDF"):
        if random.integers(2):
            return damage_hdf5(random, content)
        return damage_bytes(random, content)
    if random.integers(3):
        return damage_bytes(random, content)
    net = damage_message(random, NetParameter.FromString(content))
    return str(net).encode() if random.integers(2) else net.SerializeToString()


def parse(content: bytes) -> NetParameter:
    """The messages of a prototxt of the corpus."""
    if content not in PARSED:
        for folder in CORPUS.iterdir():
            path = folder / "as_run.prototxt"
            if not path.exists():
                path = folder / "deploy.prototxt"
            own = (folder / "deploy.prototxt").read_bytes()
            PARSED[own] = read_prototxt(path)
    copy = NetParameter()
    copy.CopyFrom(PARSED[content])
    return copy


PARSED: dict[bytes, NetParameter] = {}


def damage_bytes(random: Random, content: bytes) -> bytes:
    """Cut, flipped, overwritten, repeated, moved, or something else."""
    if random.integers(40) == 0:
        return random.bytes(int(random.integers(2000)))
    data = bytearray(content)
    for _ in range(random.integers(1, 5)):
        if not data:
            break
        # Structure is at the beginning more often than not.
        reach = min(len(data), int(random.choice([64, 512, len(data)])))
        place = int(random.integers(reach))
        length = int(random.integers(1, 20))
        way = random.integers(8)
        if way == 0:
            del data[place:]
        elif way == 1:
            data[place] ^= 1 << int(random.integers(8))
        elif way == 2:
            data[place] = random.integers(256)
        elif way == 3:
            del data[place : place + length]
        elif way == 4:
            data[place:place] = data[place : place + length] * 3
        elif way == 5:
            data[place:place] = random.bytes(length)
        elif way == 6:
            # A length or a count of up to 2**70.
            data[place : place + 1] = b"\xff" * (length % 10) + b"\x7f"
        else:
            begin = int(random.integers(len(data)))
            data[place : place + length] = data[begin : begin + length]
    return bytes(data)


def damage_words(random: Random, text: str) -> str:
    """Words of a text replaced, dropped, repeated or exchanged."""
    words = TOKEN.findall(re.sub(r"#[^\n]*", "", text))
    names = [field.name for field in LayerParameter.DESCRIPTOR.fields]
    for _ in range(random.integers(1, 4)):
        place = int(random.integers(len(words)))
        way = random.integers(6)
        if way <= 1:
            words[place] = pick(random, WORDS)
        elif way == 2:
            words[place] = pick(random, words)
        elif way == 3:
            words[place] = pick(random, names)
        elif way == 4:
            del words[place : place + int(random.integers(1, 4))]
        else:
            words[place:place] = words[place : place + 12]
        words = words or ["layer"]
    return " ".join(words)


def damage_message(random: Random, net: NetParameter) -> NetParameter:
    """Fields set to what they should not be."""
    for _ in range(random.integers(1, 4)):
        layers = net.layer or net.layers
        way = random.integers(6)
        if way == 0 and len(layers) > 1:
            one, other = random.choice(len(layers), 2, replace=False)
            kept = type(layers[0])()
            kept.CopyFrom(layers[int(one)])
            layers[int(one)].CopyFrom(layers[int(other)])
            layers[int(other)].CopyFrom(kept)
        elif way == 1 and layers:
            # Cycles, unknown bottoms, and blobs that two layers make.
            layer = pick(random, layers)
            names = [top for layer in layers for top in layer.top]
            row = layer.bottom if random.integers(2) else layer.top
            row.append(pick(random, [*names, "nosuch"]))
        elif way == 2 and layers:
            del layers[int(random.integers(len(layers)))]
        else:
            damage_fields(random, net)
    return net


def damage_fields(random: Random, message: Any, depth: int = 0) -> None:
    """Changes one field, somewhere inside."""
    present = [field for field, _ in message.ListFields()]
    fields = list(message.DESCRIPTOR.fields)
    field = pick(random, present if present and random.integers(4) else fields)
    repeated = isinstance(field.default_value, list)
    value = getattr(message, field.name)
    if field.message_type is not None:
        if repeated:
            if not value or random.integers(4) == 0:
                value.add()
            value = pick(random, value)
        if depth < 6:
            damage_fields(random, value, depth + 1)
        return
    new = new_value(random, field)
    try:
        if not repeated:
            setattr(message, field.name, new)
        elif value and random.integers(2):
            value[int(random.integers(len(value)))] = new
        else:
            value.extend([new] * int(random.integers(1, 4)))
    except (ValueError, TypeError):
        # A number beyond the field's type.
        return


def new_value(random: Random, field: Any) -> Any:
    """Something strange for a field that is not a message."""
    if field.enum_type is not None:
        return pick(random, field.enum_type.values).number
    if field.cpp_type == field.CPPTYPE_STRING:
        return pick(random, ["", "data", "a/b", "ReLU", "Convolution", "ü" * 9])
    if field.cpp_type == field.CPPTYPE_BOOL:
        return bool(random.integers(2))
    number = pick(random, NUMBERS) * (1 if random.integers(3) else -1)
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return pick(random, [float(number), 0.5, np.nan, np.inf, -1e-40])
    return number


def damage_hdf5(random: Random, content: bytes) -> bytes:
    """Links, groups and datasets that Caffe does not write."""
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = pick(random, names)
        group = file["data"][pick(random, list(file["data"]))]
        pick(random, HDF5_WAYS)(random, file, name, group)
    return buffer.getvalue()


def drop(random: Random, file: Any, name: str, group: Any) -> None:
    del file[name]


def reshape(random: Random, file: Any, name: str, group: Any) -> None:
    del file[name]
    shape = tuple(random.integers(0, 5, random.integers(5)))
    kind = pick(random, ["f4", "f8", "i8", ">f4", "f2", "S3", "?"])
    file[name] = np.zeros(shape, kind)


def link(random: Random, file: Any, name: str, group: Any) -> None:
    del file[name]
    file[name] = pick(
        random,
        [
            h5py.SoftLink("/data/conv/0"),
            h5py.SoftLink(f"/{name}"),
            h5py.ExternalLink("/etc/hostname", "/data"),
        ],
    )


def loop(random: Random, file: Any, name: str, group: Any) -> None:
    group["again"] = file["data"]


def declare(random: Random, file: Any, name: str, group: Any) -> None:
    del file[name]
    file.create_dataset(
        name,
        shape=(pick(random, NUMBERS[:-1]) + 1,),
        dtype="f4",
        compression=pick(random, [None, "gzip"]),
        chunks=(int(random.integers(1, 1000)),),
        maxshape=(None,),
    )


HDF5_WAYS: list[Callable] = [drop, reshape, link, loop, declare]


def pick(random: Random, values: Any) -> Any:
    """One of them, as it is: NumPy would make arrays of them."""
    return values[int(random.integers(len(values)))]
