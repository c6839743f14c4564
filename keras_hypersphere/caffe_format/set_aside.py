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
# Words and signs; protobuf takes its time to skip what it does not know.
MOST_APART = 30_000
VISIBLE = re.compile(r"[^\n]")


class Aside(NamedTuple):
    """A field of a layer: number of the layer, name, and place in the text."""

    layer: int
    name: str
    start: int
    stop: int
    line: int
    column: int


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
    line, begin, place, apart = 1, 0, 0, 0
    for name, value, _ in tokens.fields(0, len(tokens.found)):
        if tokens.found[name][0] != "layer":
            continue
        for start, stop in tokens.messages(value):
            for field, _, after in tokens.fields(start, stop):
                word = tokens.found[field]
                if word[0] in LayerParameter.DESCRIPTOR.fields_by_name:
                    continue
                start, end = word.start(), tokens.found[after - 1].end()
                line += text.count("\n", place, start)
                begin = max(text.rfind("\n", place, start) + 1, begin)
                place, column = start, start - begin + 1
                aside = Aside(count, word[0], start, end, line, column)
                asides.append(aside)
                apart += after - field
            count += 1
    return asides if apart <= MOST_APART else []


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
    for _, name, _, _, line, column in asides:
        if known and name not in declared:
            raise text_format.ParseError(
                f'Message type "LayerParameter" has no field named "{name}"',
                line,
                column,
            )
    if own:
        made = own()
        parse_apart(text, asides, made)
    else:
        # Whatever it means, it must be the text format.
        parse_apart(text, asides, LayerParameter(), allow_unknown_field=True)
        made = UnreadLayer()
        for _, name, _, _, line, column in asides:
            made.fields.add(name=name, line=line, column=column)
    # The layer's class does not have these fields.
    layer.MergeFromString(made.SerializeToString())


def parse_apart(
    text: str, asides: list[Aside], message: Message, **options: bool
) -> None:
    """Fills a message with some fields of a text.

    Raises:
        text_format.ParseError: With the place in the whole text.
    """
    first = asides[0]
    pieces, place = [], first.start
    for aside in asides:
        pieces.append(VISIBLE.sub(" ", text[place : aside.start]))
        pieces.append(text[aside.start : aside.stop])
        place = aside.stop
    alone = "".join(pieces)
    try:
        text_format.Parse(alone, message, **options)
    except text_format.ParseError as error:
        line, column = error.GetLine() or 1, error.GetColumn() or 1
        reason = re.sub(r"^[\d:]+ *:? *", "", str(error))
        # Some versions quote the line.
        quoted = alone.split("\n")[line - 1]
        reason = reason.removeprefix(f"'{quoted}': ")
        if line == 1:
            column += first.column - 1
        raise text_format.ParseError(
            reason, line + first.line - 1, column
        ) from error


def without(text: str, asides: list[Aside]) -> str:
    """The text with blanks in the place of some fields."""
    pieces, place = [], 0
    for aside in asides:
        pieces.append(text[place : aside.start])
        pieces.append(VISIBLE.sub(" ", text[aside.start : aside.stop]))
        place = aside.stop
    return "".join([*pieces, text[place:]])
