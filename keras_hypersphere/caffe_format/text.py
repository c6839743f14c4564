"""protobuf's text format → messages, with Caffe's leniency and no more."""

import re
from itertools import islice

from google.protobuf import text_format
from google.protobuf.message import Message

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import PACKAGE, NetParameter
from keras_hypersphere.caffe_format.text_weights import (
    MOST_RUNS,
    STRING,
    Run,
    put_weights,
    take_weights,
)
from keras_hypersphere.caffe_format.unknown_fields import parse_around

# A megabyte takes protobuf a second or two; the longest networks have one.
# Weights written as text may be more.
MOST_TEXT = 2 * 10**6
# About three a field. ResNet-1001 has half as many.
MOST_TOKENS = 300_000
TOKEN = re.compile(STRING + r"|[-+\w]+|\S")
MOST_WORDS = 300
PLACEHOLDER = re.compile(r"Couldn't parse (?:integer|float): ([A-Za-z]\w*)")
UNKNOWN_FIELD = re.compile(r'has no field named "(\w+)"')
# Types are an enum in `layers` only, the format of 2013.
UNKNOWN_TYPE = re.compile(r'Enum type "LayerType.Value" has no value')
# Strings, comments, signs that stand apart from their numbers, and 1.5F.
TOKENS = re.compile(
    STRING + r"|(?P<comment>\#[^\n]*)|-(?P<apart>(?:\s+|\#[^\n]*\n)+)"
    r"|(?P<float>(?<![\w.])(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?F\b)"
)
ESCAPE = re.compile(r"\\(.)")
OURS = re.compile(rf"{re.escape(PACKAGE)}\.(?:own_\d+\.)?")
COMMENT = re.compile(r"\#[^\n]*")
FOREIGN = re.compile("[\udc80-\udcff]")
NOT_UTF8 = "has a name that is not UTF-8; save the file as UTF-8"
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def parse_text(content: bytes, message: Message, file: str) -> Message:
    """Fills a message.

    Raises:
        CaffeFormatError: If the text is not of this message; a field that
            Caffe does not know is refused with its line.
    """
    if content.startswith(UTF16):
        raise CaffeFormatError("is UTF-16; save the file as UTF-8", file)
    text = TOKENS.sub(simplify, content.decode("utf-8-sig", "surrogateescape"))
    foreign = FOREIGN.search(text)
    if foreign:
        before = text[: foreign.start()].split("\n")
        raise CaffeFormatError(
            f"line {len(before)}, column {len(before[-1]) + 1}: {NOT_UTF8}",
            file,
        )
    light, runs = take_weights(text)
    refuse_long(light, runs, file)
    try:
        sound = parse(text, message, light, runs)
    except text_format.ParseError as error:
        raise CaffeFormatError(explain(error, text), file) from error
    except UnicodeError as error:
        # An escape such as \xff.
        raise CaffeFormatError(NOT_UTF8, file) from error
    except (ValueError, RecursionError) as error:
        raise CaffeFormatError(f"cannot be parsed: {error}", file) from error
    if not sound:
        raise CaffeFormatError(
            "has weights that are not all decimal numbers, as Caffe's text "
            "format wants them; write them so",
            file,
        )
    return message


def refuse_long(text: str, runs: list[Run], file: str) -> None:
    """Refuses what would take protobuf long, or us."""
    if len(text) > MOST_TEXT:
        most = f"{MOST_TEXT} bytes of text"
    elif count_tokens(text) > MOST_TOKENS:
        most = f"{MOST_TOKENS} words and signs"
    elif len(runs) > MOST_RUNS:
        most = f"{MOST_RUNS} rows of weights"
    else:
        return
    raise CaffeFormatError(
        f"describes a network in more than {most}; no network of Caffe's is "
        "so long: see whether the file is damaged",
        file,
    )


def count_tokens(text: str) -> int:
    """How many words, strings and signs there are, as far as they may be."""
    return sum(1 for _ in islice(TOKEN.finditer(text), MOST_TOKENS + 1))


def parse(text: str, message: Message, light: str, runs: list[Run]) -> bool:
    """Fills a message; fields of its own may be in a network's layers.

    Args:
        text: The whole.
        message: What to fill.
        light: The text without its weights.
        runs: The weights.

    Returns:
        Whether all weights were for the message's blobs.
    """
    try:
        text_format.Parse(light, message)
    except text_format.ParseError as error:
        apart = (
            isinstance(message, NetParameter)
            and UNKNOWN_FIELD.search(str(error))
            and len(text) <= MOST_TEXT
            and count_tokens(text) <= MOST_TOKENS
        )
        if not apart or not parse_around(text, message):
            raise moved(error, text, light, runs) from error
        return True
    return not runs or put_weights(message, runs)


def moved(
    error: text_format.ParseError, text: str, light: str, runs: list[Run]
) -> text_format.ParseError:
    """An error in the text without weights, as one in the whole text."""
    line, column = error.GetLine(), error.GetColumn()
    if not line or not runs:
        return error
    before = light.split("\n")[: line - 1]
    place = sum(len(one) + 1 for one in before) + column - 1
    place += sum(run.saved for run in runs if run.place < place)
    return text_format.ParseError(
        unquoted(error, light),
        text.count("\n", 0, place) + 1,
        place - text.rfind("\n", 0, place),
    )


def simplify(token: re.Match) -> str:
    """What protobuf's Python parser takes too; the rest keeps its place.

    Drops comments, whose encoding does not matter; `- 1` becomes ` -1`, and
    `1.5F`, which old versions refuse, `1.5f`. An escaped backslash is written
    in octal: a row of them takes protobuf squared time.
    """
    if token["apart"]:
        return COMMENT.sub("", token["apart"]) + "-"
    if token["float"]:
        return token["float"].lower()
    string = token["string"] or ""
    return ESCAPE.sub(escape, string) if "\\\\" in string else string


def escape(pair: re.Match) -> str:
    """A backslash and what follows it."""
    return r"\134" if pair[1] == "\\" else pair[0]


def explain(error: text_format.ParseError, text: str) -> str:
    """protobuf's words, with the line in words and without our package."""
    reason = OURS.sub("", unquoted(error, text))
    line, column = error.GetLine(), error.GetColumn()
    if "'unicodeescape' codec can't" in reason:
        reason = "a string has an escape that is none, or no closing quote"
    if "codec can't" in reason:
        reason = NOT_UTF8
    reason = reason[:MOST_WORDS].rstrip(".")
    reason = reason.encode(errors="replace").decode()
    if UNKNOWN_FIELD.search(reason):
        reason += "; correct the spelling"
    if UNKNOWN_TYPE.search(reason):
        reason += (
            "; in `layers` the types are those of 2013, such as `type: "
            'SOFTMAX`: write every layer as `layer { type: "Name" ... }`'
        )
    placeholder = PLACEHOLDER.search(reason)
    if placeholder:
        reason += (
            f"; if the file is a template, fill in a number for "
            f"`{placeholder[1]}`, or run the script that does"
        )
    return f"line {line}, column {column}: {reason}" if line else reason


def unquoted(error: text_format.ParseError, text: str) -> str:
    """protobuf's words, without the place and what stands there.

    Some versions quote the line, which may be the whole file.
    """
    reason = re.sub(r"^[\d:]+ *:? *", "", str(error))
    if error.GetLine() and reason[:1] == "'":
        size = len(text.split("\n")[error.GetLine() - 1]) + 4
        if reason[size - 3 : size] == "': ":
            return reason[size:]
    return reason
