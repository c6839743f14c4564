"""What the decoders inside OpenCV print about damage, as text.

libjpeg decodes damaged data as far as it makes sense of them, and says so
only on C's `stderr`. Here that stream points at memory for the time of one
call. The file descriptor 2 stays as it is: other processes, and Python's
`sys.stderr`, see nothing of it.
"""

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator


def is_glibc() -> bool:
    """Whether the C library is the one whose `stderr` is a variable."""
    name = "CS_GNU_LIBC_VERSION"
    return name in os.confstr_names and bool(os.confstr(name))


class DecoderMessages:
    """C's `stderr`, kept in memory while a decoder works.

    One decoder at a time. Where the C library is not glibc nothing is kept,
    and the messages are printed as ever.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.text = ctypes.c_char_p()
        self.size = ctypes.c_size_t()
        self.memory: int | None = None
        if not is_glibc():
            return
        c = ctypes.CDLL(None)
        c.open_memstream.restype = ctypes.c_void_p
        c.open_memstream.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        c.fflush.argtypes = [ctypes.c_void_p]
        c.fseek.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_int]
        self.c = c
        self.stream = ctypes.c_void_p.in_dll(c, "stderr")
        # Never closed: another thread may be about to write to it.
        self.memory = c.open_memstream(
            ctypes.addressof(self.text), ctypes.addressof(self.size)
        )
        # A child process must not begin with the stream in memory.
        os.register_at_fork(
            before=self.lock.acquire,
            after_in_parent=self.lock.release,
            after_in_child=self.lock.release,
        )

    @contextlib.contextmanager
    def kept(self) -> Iterator[list[str]]:
        """Gives a list, which holds the lines that were printed, afterwards."""
        lines: list[str] = []
        if self.memory is None:
            yield lines
            return
        with self.lock:
            before, self.stream.value = self.stream.value, self.memory
            try:
                yield lines
            finally:
                self.stream.value = before
                lines += self.taken().decode(errors="replace").splitlines()

    def taken(self) -> bytes:
        """What the memory holds; it is empty then."""
        self.c.fflush(self.memory)
        said = ctypes.string_at(self.text, self.size.value)
        self.c.fseek(self.memory, 0, os.SEEK_SET)
        self.c.fflush(self.memory)
        return said


MESSAGES = DecoderMessages()
