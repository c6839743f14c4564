"""Fields that our schema lacks, taken out of a network's text.

protobuf stops at the first of them. So they are blanked, which leaves every
line and column where it was, and noted in `unread` of the layer, or of the
network, that they are in. Whoever converts the layer refuses them.

Layers of a type for which fields were declared are read by their own class.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf import text_format
from google.protobuf.empty_pb2 import Empty

from keras_hypersphere.caffe_format.custom_layers import CustomLayer, custom
from keras_hypersphere.caffe_format.schema import LayerParameter, NetParameter

TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>[\w.+-]+)|[{}<>\[\]:,;]"""
)
CLOSING = {"{": "}", "<": ">", "[": "]"}
# Words and signs; protobuf takes its time to skip what it does not know.
MOST_UNKNOWN = 30_000
VISIBLE = re.compile(r"[^\n]")

Span = tuple[int, int]
# Field of a network and index there; None for the network itself.
Holder = tuple[str, int] | None


class Unknown(NamedTuple):
    """A field that nobody knows: the message that notes it, name and place."""

    holder: Holder
    name: str
    span: Span


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

    def span(self, start: int, stop: int) -> Span:
        """The place in the text of some pieces."""
        return self.found[start].start(), self.found[stop - 1].end()

    def inside(self, start: int, stop: int) -> Span:
        """The place between the brackets around some pieces."""
        return self.found[start - 1].end(), self.found[stop].start()


class Search:
    """One walk through a network's text.

    Attributes:
        unknown: What nobody knows, in the order of the text.
        count: Of how many pieces that is.
        layers: What is between the brackets of each layer, and its class
            where its type has one of its own.
        others: The network's own fields.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = Tokens(text)
        self.unknown: list[Unknown] = []
        self.count = 0
        self.layers: list[tuple[Span, CustomLayer | None]] = []
        self.others: list[Span] = []
        self.old = 0
        self.search_network()

    def search_network(self) -> None:
        """Looks at all fields."""
        tokens, known = self.tokens, NetParameter.DESCRIPTOR.fields_by_name
        for name, value, after in tokens.fields(0, len(tokens.found)):
            word = tokens.found[name][0]
            if word != "layer":
                self.others.append(tokens.span(name, after))
            if word not in known:
                self.note(None, word, name, after)
            elif word == "layer":
                for start, stop in tokens.messages(value):
                    own = custom(self.type_of(start, stop))
                    kind = own.layer if own else LayerParameter
                    holder: Holder = ("layer", len(self.layers))
                    self.layers.append((tokens.inside(start, stop), own))
                    self.search(kind.DESCRIPTOR, start, stop, holder)
            elif known[word].message_type is not None:
                for start, stop in tokens.messages(value):
                    old = word == "layers"
                    holder = ("layers", self.old) if old else None
                    prefix = "" if old else f"{word}."
                    self.old += old
                    self.search(
                        known[word].message_type, start, stop, holder, prefix
                    )

    def search(
        self,
        message: Any,
        start: int,
        stop: int,
        holder: Holder,
        prefix: str = "",
    ) -> None:
        """Looks at the fields of a message, and at what is in them."""
        tokens = self.tokens
        for name, value, after in tokens.fields(start, stop):
            word = tokens.found[name][0]
            field = message.fields_by_name.get(word)
            if field is None:
                self.note(holder, prefix + word, name, after)
            elif field.message_type is not None:
                for begin, end in tokens.messages(value):
                    inner = f"{prefix}{word}."
                    self.search(field.message_type, begin, end, holder, inner)

    def note(self, holder: Holder, name: str, start: int, stop: int) -> None:
        """Adds a field that nobody knows."""
        span = self.tokens.span(start, stop)
        self.unknown.append(Unknown(holder, name, span))
        self.count += stop - start

    def type_of(self, start: int, stop: int) -> str:
        """The type that a layer gives."""
        for name, _, after in self.tokens.fields(start, stop):
            if self.tokens.found[name][0] == "type":
                begin, end = self.tokens.span(name, after)
                layer = LayerParameter()
                try:
                    text_format.Parse(self.text[begin:end], layer)
                except text_format.ParseError:
                    return ""
                return layer.type
        return ""


def parse_around(text: str, net: NetParameter) -> bool:
    """Fills a network, except for what nobody knows, which is noted.

    Returns:
        Whether there was anything that our schema lacks.

    Raises:
        text_format.ParseError: As protobuf does for what is wrong besides.
    """
    search = Search(text)
    kinds = {own for _, own in search.layers if own}
    if search.count > MOST_UNKNOWN or not (search.unknown or kinds):
        return False
    check(text, search.unknown)
    known = blanked(text, [unknown.span for unknown in search.unknown])
    own = [span for span, kind in search.layers if kind]
    net.Clear()
    text_format.Parse(blanked(known, own), net)
    for kind in kinds:
        rest = [span for span, other in search.layers if other is not kind]
        made: Any = kind.network()
        text_format.Parse(blanked(known, sorted(search.others + rest)), made)
        for layer, filled, (_, other) in zip(
            net.layer, made.layer, search.layers, strict=True
        ):
            if other is kind:
                layer.MergeFromString(filled.SerializeToString())
    note(text, search.unknown, net)
    return True


def check(text: str, unknown: list[Unknown]) -> None:
    """Refuses what is not the text format, whatever it means."""
    for _, _, (start, stop) in unknown:
        try:
            text_format.Parse(
                text[start:stop], Empty(), allow_unknown_field=True
            )
        except text_format.ParseError as error:
            reason = re.sub(r"^[\d:]+ *:? *", "", str(error))
            raise text_format.ParseError(
                reason.removeprefix(f"'{text[start:stop]}': "),
                *place_of(start, line_starts(text)),
            ) from error


def note(text: str, unknown: list[Unknown], net: NetParameter) -> None:
    """Writes down what nobody knows, with its place."""
    lines = line_starts(text)
    for holder, name, (start, _) in unknown:
        message = getattr(net, holder[0])[holder[1]] if holder else net
        line, column = place_of(start, lines)
        message.unread.add(name=name, line=line, column=column)


def line_starts(text: str) -> list[int]:
    """Where each line begins."""
    return [0, *(found.end() for found in re.finditer("\n", text))]


def place_of(index: int, lines: list[int]) -> tuple[int, int]:
    """Line and column, which count from 1."""
    line = bisect_right(lines, index)
    return line, index - lines[line - 1] + 1


def blanked(text: str, spans: list[Span]) -> str:
    """The text with blanks in some places, which are sorted."""
    pieces, place = [], 0
    for start, stop in spans:
        pieces.append(text[place:start])
        pieces.append(VISIBLE.sub(" ", text[start:stop]))
        place = stop
    return "".join([*pieces, text[place:]])
