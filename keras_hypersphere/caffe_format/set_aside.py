"""Fields that no table knows, taken out of a network's text.

protobuf stops at the first of them. So they are blanked, which leaves every
line and column where it was, and read by themselves.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from google.protobuf import text_format
from google.protobuf.message import Message

from keras_hypersphere.caffe_format.own_layers import own_class
from keras_hypersphere.caffe_format.schema import (
    LayerParameter,
    NetParameter,
    UnreadLayer,
)
from keras_hypersphere.caffe_format.tables.types import TYPES

TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>[\w.+-]+)|[{}<>\[\]:,;]"""
)
CLOSING = {"{": "}", "<": ">", "[": "]"}
VISIBLE = re.compile(r"[^\n]")


class Aside(NamedTuple):
    """A field of a layer: number of the layer, name, and place in the text."""

    layer: int
    name: str
    start: int
    stop: int


class Tokens:
    """A text in pieces.

    Attributes:
        found: The pieces.
        ends: Number of a bracket → number of the one that closes it.
    """

    def __init__(self, text: str) -> None:
        self.found = list(TOKEN.finditer(text))
        self.ends: dict[int, int] = {}
        waiting: list[int] = []
        for index, token in enumerate(self.found):
            if token[0] in CLOSING:
                waiting.append(index)
            elif token[0] in CLOSING.values():
                if not waiting:
                    break
                self.ends[waiting.pop()] = index

    def fields(self, index: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yields the numbers of each field's name and value, and the next."""
        while index < stop:
            if self.found[index][0] in (",", ";"):
                index += 1
                continue
            if not self.found[index]["word"]:
                return
            name = index
            index += 1
            if index < stop and self.found[index][0] == ":":
                index += 1
            if index >= stop:
                return
            value = index
            if self.found[value][0] in CLOSING:
                if value not in self.ends:
                    return
                index = self.ends[value] + 1
            elif self.found[value]["string"] is not None:
                while index < stop and self.found[index]["string"] is not None:
                    index += 1
            else:
                index += 1
            if index < stop and self.found[index][0] in (",", ";"):
                index += 1
            yield name, value, index

    def messages(self, value: int) -> Iterator[tuple[int, int]]:
        """Where the messages of a field begin and end; a list has several."""
        if self.found[value][0] in ("{", "<"):
            yield value + 1, self.ends[value]
        elif self.found[value][0] == "[":
            index = value + 1
            while index < self.ends[value]:
                if index in self.ends:
                    yield index + 1, self.ends[index]
                    index = self.ends[index]
                index += 1


def set_aside(text: str) -> list[Aside]:
    """The fields within a network's layers that no table knows."""
    tokens, asides, count = Tokens(text), [], 0
    for name, value, _ in tokens.fields(0, len(tokens.found)):
        if tokens.found[name][0] != "layer":
            continue
        for start, stop in tokens.messages(value):
            for field, _, after in tokens.fields(start, stop):
                word = tokens.found[field]
                if word[0] not in LayerParameter.DESCRIPTOR.fields_by_name:
                    end = tokens.found[after - 1].end()
                    asides.append(Aside(count, word[0], word.start(), end))
            count += 1
    return asides


def parse_around(text: str, net: NetParameter) -> bool:
    """Fills a network, and its layers' own messages.

    Returns:
        Whether there was anything to set aside.

    Raises:
        text_format.ParseError: As protobuf does, also for an unknown field
            of a layer type that the tables have.
    """
    asides = set_aside(text)
    if not asides:
        return False
    net.Clear()
    text_format.Parse(without(text, asides), net)
    for index, group in groupby(asides, key=lambda aside: aside.layer):
        read_own(text, net.layer[index], list(group))
    return True


def read_own(text: str, layer: LayerParameter, asides: list[Aside]) -> None:
    """Keeps the own fields of one layer in its message."""
    own = own_class(layer.type)
    declared = own.DESCRIPTOR.fields_by_name if own else {}
    known = own or layer.type in TYPES or not layer.type
    unread = UnreadLayer()
    for name, line, column in places(text, asides):
        if name in declared:
            continue
        if known:
            raise text_format.ParseError(unknown_field(name), line, column)
        unread.fields.add(name=name, line=line, column=column)
    if own:
        made = text_format.Parse(only(text, asides), own())
        keep(layer, made)
    else:
        # Whatever it means, it must be the text format.
        text_format.Parse(
            only(text, asides), LayerParameter(), allow_unknown_field=True
        )
        keep(layer, unread)


def keep(layer: LayerParameter, fields: Message) -> None:
    """Adds fields that the layer's class does not have."""
    layer.MergeFromString(fields.SerializeToString())


def unknown_field(name: str) -> str:
    """protobuf's words for a field that a layer does not have."""
    return f'Message type "LayerParameter" has no field named "{name}"'


def places(text: str, asides: list[Aside]) -> Iterator[tuple[str, int, int]]:
    """Name, line and column of each."""
    line, place = 1, 0
    for aside in asides:
        line += text.count("\n", place, aside.start)
        place = aside.start
        yield aside.name, line, place - text.rfind("\n", 0, place)


def without(text: str, asides: list[Aside]) -> str:
    """The text with blanks in the place of some fields."""
    pieces, place = [], 0
    for aside in asides:
        pieces.append(text[place : aside.start])
        pieces.append(VISIBLE.sub(" ", text[aside.start : aside.stop]))
        place = aside.stop
    return "".join([*pieces, text[place:]])


def only(text: str, asides: list[Aside]) -> str:
    """Some fields of a layer, and blanks in the place of all else."""
    start = text.rfind("\n", 0, asides[0].start) + 1
    stop = text.find("\n", asides[-1].stop)
    stop = len(text) if stop < 0 else stop
    pieces, place = ["\n" * text.count("\n", 0, start)], start
    for aside in asides:
        pieces.append(VISIBLE.sub(" ", text[place : aside.start]))
        pieces.append(text[aside.start : aside.stop])
        place = aside.stop
    return "".join([*pieces, VISIBLE.sub(" ", text[place:stop])])
