"""Weights that are written as text, without protobuf's Python parser.

protobuf takes ten microseconds a number. Here each run of numbers, be it
`data: 1 data: 2` or `data: [1, 2]`, becomes an array, and the run's index
stands in its place while protobuf parses the rest: `data:7`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import Message

from keras_hypersphere.caffe_format.schema import BlobProto
from keras_hypersphere.caffe_format.wire import BYTES, NUMBERS, encode

STRING = r"""(?P<string>"(?:[^"\\\n]+|\\.)*"?|'(?:[^'\\\n]+|\\.)*'?)"""
HEAD = re.compile(
    STRING + r"|(?<![-+.\w])(?P<field>(?:double_)?(?:data|diff))\s*:\s*"
    r"(?P<list>\[\s*)?(?=[-+.\w])",
    re.ASCII,
)
# What the text format has: no octal digits, nothing hexadecimal.
NUMBER = (
    r"(?!-?0\d)(?:[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?f?"
    r"|-?(?:nan|inf(?:inity)?)f?)(?![-+.\w])"
)
# Python's `re` keeps notes of each repetition.
MOST_AT_ONCE = 1000
# The longest networks have a tenth.
MOST_RUNS = 50_000
CLOSE = re.compile(r"\s*\]", re.ASCII)


class Between(NamedTuple):
    """What stands between two numbers of a run, and some numbers with it."""

    joint: re.Pattern
    numbers: re.Pattern


class Run(NamedTuple):
    """Numbers that stand one after the other.

    Attributes:
        values: The numbers.
        place: Where their stand-in begins, in the text that protobuf gets.
        saved: By how much that text is shorter here.
    """

    values: np.ndarray
    place: int
    saved: int


def between(joint: str) -> Between:
    """Patterns for numbers with some joint."""
    numbers = f"{NUMBER}(?:{joint}{NUMBER}){{0,{MOST_AT_ONCE - 1}}}"
    flags = re.ASCII | re.IGNORECASE
    # Names of fields are lower case, whatever numbers are.
    numbers = numbers.replace(joint, f"(?-i:{joint})")
    return Between(re.compile(joint, re.ASCII), re.compile(numbers, flags))


FIELDS = {
    BlobProto.DESCRIPTOR.fields_by_number[number].name: (number, dtype)
    for number, dtype in NUMBERS.items()
}
LISTED = between(r"\s*,\s*")
REPEATED = {
    name: between(rf"\s*(?:[,;]\s*)?\b{name}\s*:\s*") for name in FIELDS
}


def take_weights(text: str) -> tuple[str, list[Run]]:
    """A network's text with the index of each run in its place.

    Args:
        text: Without comments, and with signs next to their numbers.

    Returns:
        The shorter text, and the runs.
    """
    pieces: list[str] = []
    runs: list[Run] = []
    place, length = 0, 0
    while len(runs) <= MOST_RUNS and (head := HEAD.search(text, place)):
        end, values = head.end(), None
        if head["field"]:
            end, values = read_run(text, head)
        if values is None:
            piece = text[place:end]
        else:
            mark = f"[{len(runs)}]" if head["list"] else str(len(runs))
            start = length + head.start() - place
            piece = f"{text[place : head.start()]}{head['field']}:{mark}"
            saved = end - place - len(piece)
            runs.append(Run(values, start, saved))
        pieces.append(piece)
        length += len(piece)
        place = end
    pieces.append(text[place:])
    return "".join(pieces), runs


def read_run(text: str, head: re.Match) -> tuple[int, np.ndarray | None]:
    """Where the run after `data:` ends, and its numbers.

    None, and the end of the head, if protobuf has to say what is wrong.
    """
    name, place = head["field"], head.end()
    joint, numbers = LISTED if head["list"] else REPEATED[name]
    chunks, end = [], place
    while chunk := numbers.match(text, place):
        words = joint.split(chunk.group())
        chunks.append(as_array(words, FIELDS[name][1]))
        end = chunk.end()
        more = joint.match(text, end)
        if more is None:
            break
        place = more.end()
    if chunks and head["list"]:
        close = CLOSE.match(text, end)
        if close is None:
            return head.end(), None
        end = close.end()
    return (end, np.concatenate(chunks)) if chunks else (head.end(), None)


def as_array(words: list[str], dtype: str) -> np.ndarray:
    """What protobuf makes of some numbers."""
    try:
        values = list(map(float, words))
    except ValueError:
        # 1.5f
        values = list(map(text_format.ParseFloat, words))
    with np.errstate(over="ignore"):
        return np.array(values).astype(dtype)


def put_weights(message: Message, runs: list[Run]) -> bool:
    """Puts runs into the blobs that have their indices.

    Returns:
        Whether the blobs had nothing else.
    """
    marked = [
        (blob, name, list(getattr(blob, name)))
        for blob in blobs_of(message)
        for name in FIELDS
    ]
    if sum(len(marks) for *_, marks in marked) != len(runs):
        return False
    for blob, name, marks in marked:
        if marks:
            raw = b"".join(runs[int(mark)].values.tobytes() for mark in marks)
            blob.ClearField(name)
            tag = encode(FIELDS[name][0] << 3 | BYTES)
            blob.MergeFromString(tag + encode(len(raw)) + raw)
    return True


def blobs_of(message: Message) -> Iterator[Message]:
    """Yields the blobs of a message, at any depth."""
    if message.DESCRIPTOR is BlobProto.DESCRIPTOR:
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            many = isinstance(field.default_value, list)
            for child in value if many else [value]:
                yield from blobs_of(child)
