"""What NumPy raises where an `.npz` or `.npy` file is damaged or is none."""

import tokenize
import zipfile
import zlib

# A header is read as a Python literal: a damaged one is a wrong program.
DAMAGE = (
    *(AttributeError, TypeError, ValueError, KeyError, IndexError),
    *(OSError, EOFError, RuntimeError, OverflowError, MemoryError),
    *(SyntaxError, tokenize.TokenError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
