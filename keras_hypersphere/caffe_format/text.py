"""protobuf's text format → messages, with Caffe's leniency and no more."""

import re

from google.protobuf import text_format
from google.protobuf.message import Message

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import PACKAGE, NetParameter
from keras_hypersphere.caffe_format.set_aside import parse_around

# A megabyte takes protobuf a second or two; the longest networks have one.
MOST_TEXT = 2 * 10**6
# Weights written as text may be more.
WEIGHT = re.compile(rb"\b(?:double_)?(?:data|diff)\s*:\s*[-+.\w]+[\s,;]*")
MOST_WORDS = 300
UNKNOWN_FIELD = re.compile(r'has no field named "(\w+)"')
# Strings, comments, signs that stand apart from their numbers, and 1.5F.
TOKENS = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<comment>\#[^\n]*)|-(?P<apart>(?:\s|\#[^\n]*\n)+)"""
    r"""|(?P<float>(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?F\b)"""
)
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
    structure = len(content)
    if structure > MOST_TEXT:
        structure = len(WEIGHT.sub(b"", content))
    if structure > MOST_TEXT:
        raise CaffeFormatError(
            f"describes a network in {structure} bytes of text; "
            f"{MOST_TEXT} are the most",
            file,
        )
    text = TOKENS.sub(simplify, content.decode("utf-8-sig", "surrogateescape"))
    foreign = FOREIGN.search(text)
    if foreign:
        before = text[: foreign.start()].split("\n")
        raise CaffeFormatError(
            f"line {len(before)}, column {len(before[-1]) + 1}: {NOT_UTF8}",
            file,
        )
    try:
        parse(text, message)
    except text_format.ParseError as error:
        raise CaffeFormatError(explain(error, text), file) from error
    except UnicodeError as error:
        # An escape such as \xff.
        raise CaffeFormatError(NOT_UTF8, file) from error
    except (ValueError, RecursionError) as error:
        raise CaffeFormatError(f"cannot be parsed: {error}", file) from error
    return message


def parse(text: str, message: Message) -> None:
    """Fills a message; fields of its own may be in a network's layers."""
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        apart = (
            isinstance(message, NetParameter)
            and UNKNOWN_FIELD.search(str(error))
            and len(text) <= MOST_TEXT
        )
        if not apart or not parse_around(text, message):
            raise


def simplify(token: re.Match) -> str:
    """What protobuf's Python parser takes too; the rest keeps its place.

    Drops comments, whose encoding does not matter; `- 1` becomes ` -1`, and
    `1.5F`, which old versions refuse, `1.5f`.
    """
    if token["apart"]:
        return COMMENT.sub("", token["apart"]) + "-"
    if token["float"]:
        return token["float"].lower()
    return token["string"] or ""


def explain(error: text_format.ParseError, text: str) -> str:
    """protobuf's words, with the line in words and without our package."""
    reason = OURS.sub("", re.sub(r"^[\d:]+ *:? *", "", str(error)))
    line, column = error.GetLine(), error.GetColumn()
    if line:
        # Some versions quote the line, which may be the whole file.
        size = len(text.split("\n")[line - 1]) + 4
        if reason[0] == "'" and reason[size - 3 : size] == "': ":
            reason = reason[size:]
    if "codec can't" in reason:
        reason = NOT_UTF8
    reason = reason[:MOST_WORDS].rstrip(".")
    reason = reason.encode(errors="replace").decode()
    unknown = UNKNOWN_FIELD.search(reason)
    if unknown:
        reason += (
            "; Caffe refuses unknown fields: correct the spelling, or remove "
            f"`{unknown[1]}` if it belongs to a fork that is not supported"
        )
        if '"LayerParameter"' in reason:
            reason += (
                "; `register_layer` with `parameter` declares the fields of a "
                "layer type of your own"
            )
    return f"line {line}, column {column}: {reason}" if line else reason
