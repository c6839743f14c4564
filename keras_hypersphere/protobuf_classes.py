"""Compiled .proto files → classes of their messages.

Every pool is private, and the package of a file its own, so that the process
may load the official classes of the same messages too.
"""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)


def load_pool(path: str | PathLike) -> descriptor_pool.DescriptorPool:
    """A pool with the files that `protoc --descriptor_set_out` wrote."""
    files = descriptor_pb2.FileDescriptorSet.FromString(Path(path).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        # `Add` is gone from new protobufs, and only bytes may cross between
        # the pool of `descriptor_pb2` and this one.
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def message_classes(
    pool: descriptor_pool.DescriptorPool, package: str, names: Iterable[str]
) -> dict[str, type]:
    """The classes of messages of a package, by the name of the message."""
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{package}.{name}")
        )
        for name in names
    }
