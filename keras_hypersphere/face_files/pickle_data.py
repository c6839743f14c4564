"""Pickles as data: lists, bytes and booleans, and nothing that runs.

`pickle.load` runs what a file tells it to. This reads the opcodes instead,
with `pickletools.genops`, which lists them: nothing is imported, called or
built but what stands here. NumPy writes an array as a call of its own
function; such a call is known by its name, and its bytes are taken.

Memory is bounded by the size of the file and by the number of opcodes.
"""

import math
import pickletools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_hypersphere.face_files.texts import shown

# A pair of photos takes 40 of them in the longest form.
MOST_OPCODES = 2_000_000
MARK = object()
ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
BUFFER_MODULES = ("numpy.core.numeric", "numpy._core.numeric")
# Opcodes that push their argument.
PUSHED = {
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("BININT", "BININT1", "BININT2", "LONG1", "INT"),
}
# Of Python 2, whose texts are bytes.
OLD_TEXTS = {"SHORT_BINSTRING", "BINSTRING"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


class NotDataError(ValueError):
    """A pickle holds something else than data, or is damaged."""


class Name(NamedTuple):
    """The name of a function or class, which is not imported."""

    module: str
    name: str


class Dtype:
    """What `numpy.dtype` would be."""

    def __init__(self, name: str) -> None:
        self.name = name


class Array:
    """What a NumPy array would be.

    Attributes:
        dtype: `"u1"` or `"b1"`; None until its state is known.
        data: bytes.
    """

    def __init__(self) -> None:
        self.dtype: str | None = None
        self.data = b""

    def fill(self, shape: Any, dtype: Any, data: Any) -> None:
        """Takes what the array holds."""
        if not (
            isinstance(dtype, Dtype)
            and isinstance(data, bytes)
            and isinstance(shape, tuple)
            and len(shape) <= 4
            and all(type(size) is int and 0 <= size <= 2**40 for size in shape)
            and math.prod(shape) == len(data)
        ):
            raise NotDataError("an array that is none of uint8 or bool")
        self.dtype, self.data = dtype.name, data


class Machine:
    """Follows the opcodes of a pickle.

    Args:
        data: The file.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        # Where the last opcode began.
        self.place = 0
        # Bytes that calls may still make: a text can be asked for twice.
        self.left = len(data)

    def run(self) -> Any:
        """Returns what the pickle holds.

        Raises:
            NotDataError: If it holds something else; `place` says where.
        """
        count = 0
        try:
            for opcode, argument, place in pickletools.genops(self.data):
                self.place = place or 0
                count += 1
                if count > MOST_OPCODES:
                    raise NotDataError(f"more than {MOST_OPCODES} opcodes")
                if opcode.name == "STOP":
                    return self.pop()
                self.step(opcode.name, argument)
        except NotDataError:
            raise
        except (ValueError, IndexError, KeyError, OverflowError) as error:
            # Of genops, about what is cut off; and of an empty stack.
            raise NotDataError(f"no whole pickle ({error})") from None
        raise NotDataError("no end")

    def step(self, name: str, argument: Any) -> None:
        """Follows one opcode."""
        if name in PUSHED:
            self.stack.append(argument)
        elif name == "BYTEARRAY8":
            self.stack.append(bytes(argument))
        elif name in OLD_TEXTS:
            self.stack.append(argument.encode("latin-1"))
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.top()
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        else:
            move = MOVES.get(name)
            if move is None:
                raise NotDataError(f"the opcode {name}")
            move(self, argument)

    def top(self) -> Any:
        """The last value."""
        if self.stack[-1] is MARK:
            raise IndexError("nothing after a mark")
        return self.stack[-1]

    def pop(self) -> Any:
        """Takes the last value."""
        value = self.top()
        self.stack.pop()
        return value

    def pop_list(self, count: int | None = None) -> list[Any]:
        """Takes some last values, or all since the last mark."""
        if count is not None:
            return [self.pop() for _ in range(count)][::-1]
        values = []
        while self.stack[-1] is not MARK:
            values.append(self.stack.pop())
        self.stack.pop()
        return values[::-1]

    def extend(self, values: list[Any]) -> None:
        """Puts values into the list below them."""
        into = self.top()
        if type(into) is not list:
            raise NotDataError("values for something that is no list")
        into.extend(values)

    def reduce(self, _: Any) -> None:
        """Takes a call for what it would give, if it is of NumPy's."""
        arguments, function = self.pop(), self.pop()
        if type(function) is not Name or type(arguments) is not tuple:
            raise NotDataError("a call")
        value = called(function, arguments)
        if type(value) is bytes:
            self.left -= len(value)
            if self.left < 0:
                raise NotDataError("more bytes than the file has")
        self.stack.append(value)

    def build(self, _: Any) -> None:
        """Fills an array with its state."""
        state, target = self.pop(), self.top()
        if type(target) is Dtype and type(state) is tuple:
            # Byte order and padding, which one byte has none of.
            return
        if type(target) is Array and type(state) is tuple and len(state) == 5:
            target.fill(state[1], state[2], state[4])
            return
        raise NotDataError("the state of an object")

    def name(self, argument: str) -> None:
        """A name in one piece."""
        module, _, name = argument.partition(" ")
        self.stack.append(known(module, name))

    def stacked_name(self, _: Any) -> None:
        """A name in two."""
        name, module = self.pop(), self.pop()
        if type(module) is not str or type(name) is not str:
            raise NotDataError("a name that is no text")
        self.stack.append(known(module, name))


MOVES = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": lambda machine, _: machine.stack.append(MARK),
    "MEMOIZE": lambda machine, _: machine.memo.__setitem__(
        len(machine.memo), machine.top()
    ),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "LIST": lambda machine, _: machine.stack.append(machine.pop_list()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_list())),
    "TUPLE1": lambda machine, _: machine.stack.append((machine.pop(),)),
    "TUPLE2": lambda machine, _: machine.stack.append(
        tuple(machine.pop_list(2))
    ),
    "TUPLE3": lambda machine, _: machine.stack.append(
        tuple(machine.pop_list(3))
    ),
    "APPEND": lambda machine, _: machine.extend(machine.pop_list(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.pop_list()),
    "GLOBAL": Machine.name,
    "STACK_GLOBAL": Machine.stacked_name,
    "REDUCE": Machine.reduce,
    "BUILD": Machine.build,
}


def known(module: str, name: str) -> Name:
    """A name that arrays are written with; any other is refused."""
    found = Name(module, name)
    if (
        found in (("numpy", "ndarray"), ("numpy", "dtype"))
        or found == ("_codecs", "encode")
        or (module in ARRAY_MODULES and name in ("_reconstruct", "scalar"))
        or (module in BUFFER_MODULES and name == "_frombuffer")
    ):
        return found
    raise NotDataError(f"the name '{shown(module)}.{shown(name)}'")


def called(function: Name, arguments: tuple[Any, ...]) -> Any:
    """What a call of NumPy's functions, known by name, would give."""
    kinds = tuple(map(type, arguments))
    if function.name == "encode" and kinds == (str, str):
        # Python 3 writes bytes so for Python 2.
        if arguments[1] not in ("latin1", "latin-1"):
            raise NotDataError("bytes in an unknown encoding")
        return arguments[0].encode("latin-1")
    if function.name == "dtype" and kinds[:1] in ((str,), (bytes,)):
        name = arguments[0]
        name = name.decode("latin-1") if type(name) is bytes else name
        if name.lstrip("|") not in ("u1", "b1"):
            raise NotDataError(f"an array of type {shown(name)}")
        return Dtype(name.lstrip("|"))
    if function.name == "_reconstruct" and kinds == (Name, tuple, bytes):
        if arguments[0] == ("numpy", "ndarray"):
            return Array()
    elif function.name == "scalar" and kinds[:1] == (Dtype,):
        if arguments[0].name == "b1" and arguments[1:] in ((b"\0",), (b"\1",)):
            return arguments[1] == b"\1"
    elif function.name == "_frombuffer" and len(arguments) == 4:
        array = Array()
        array.fill(arguments[2], arguments[1], arguments[0])
        return array
    raise NotDataError(f"a call of {function.name} with other arguments")


def bools(array: Array) -> list[bool]:
    """The values of an array of booleans."""
    return np.frombuffer(array.data, np.bool_).tolist()


def read_data(path: Path, data: bytes) -> Any:
    """Returns the lists, tuples, bytes, booleans and arrays of a pickle.

    Raises:
        ValueError: If it holds something else, or is damaged: in one line,
            with the byte.
    """
    machine = Machine(data)
    try:
        return machine.run()
    except NotDataError as error:
        why = " ".join(str(error).split())[:150]
        raise ValueError(
            f"'{path}' is refused at byte {machine.place}: found {why}. "
            "Expected a pickle of lists of bytes, uint8 arrays and booleans; "
            "nothing of it was run."
        ) from None
