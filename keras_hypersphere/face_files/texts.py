"""Texts of files: a million in little memory, and one in a message."""

import array
from collections.abc import Callable, Iterable, Sequence
from typing import overload

import numpy as np


class Texts:
    """Texts in one piece of memory, read one by one.

    Args:
        texts: Their bytes, UTF-8.
    """

    def __init__(self, texts: Iterable[bytes]) -> None:
        joined = bytearray()
        ends = array.array("q", [0])
        for text in texts:
            joined += text
            ends.append(len(joined))
        self.joined = bytes(joined)
        self.ends = np.frombuffer(ends, np.int64)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def raw(self, index: int) -> bytes:
        """The bytes of one."""
        return self.joined[self.ends[index] : self.ends[index + 1]]

    def __getitem__(self, index: int) -> str:
        return self.raw(index).decode("utf-8", "replace")


class Names(Sequence[str]):
    """Names that are made when they are asked for.

    Args:
        count: int, how many.
        name: function of an index.
    """

    def __init__(self, count: int, name: Callable[[int], str]) -> None:
        self._count, self._name = count, name

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> "str | list[str]":
        if isinstance(index, slice):
            return [self._name(i) for i in range(self._count)[index]]
        return self._name(range(self._count)[index])


def shown(text: "str | bytes", most: int = 40) -> str:
    """A text of a file, short and in one line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = "".join(sign if sign.isprintable() else "?" for sign in text[:most])
    return line + "…" * (len(text) > most)
