"""The message between a run and the worker process of a target: a method, a header, and arrays.

One message is a fixed prefix, method and header in JSON, a table of the arrays' names, dtypes and shapes in JSON, and
the arrays' own bytes in the order of the table. Nothing is pickled, so that reading a message runs no code of whoever
sent it; a message that does not add up raises :class:`WireError`. The same tables travel with call after call, so those
seen last are kept, written and read.

Both directions copy. :func:`encode` takes the bytes of every array when it is called, so that an answer which is a view
of a buffer that a later call overwrites stays what it was when it was given. :meth:`Incoming.message` returns arrays
that own their memory, are C-contiguous and writable.
"""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Header = dict[str, Any]
Arrays = dict[str, Array]

MAGIC = b"ltd1"
LARGEST = 1 << 30  # bytes; a larger announcement is taken for garbage, not for an allocation
KINDS = "biufc"  # bool, int, uint, float, complex: the dtypes whose raw bytes mean the same in another process
_PREFIX = struct.Struct("<4sIIQ")  # magic; bytes of method and header, of the table, of the arrays
_TABLES = 64  # kept in each direction

Table = tuple[tuple[str, np.dtype[Any], tuple[int, ...]], ...]  # name, dtype, shape


class WireError(ValueError):
    """A message that cannot be sent, or bytes that are no message; the text completes "answered with ..."."""


class Message(NamedTuple):
    """What travels in either direction."""

    method: str
    header: Header
    arrays: Arrays


# -- sending -------------------------------------------------------------------------------------------------


def encode(method: str, header: Header, arrays: Mapping[str, Array]) -> bytes:
    """One message as bytes, which share no memory with the arrays.

    Raises
    ------
    WireError
        When the header is not JSON, or something among the arrays is not a NumPy array of plain numbers; it names the
        entry.
    """
    _refuse_odd_containers(header, arrays)
    head = _dump_head(method, header)
    table = _dump_table(tuple([(name, array.dtype, array.shape) for name, array in arrays.items()]))
    raw = [np.ndarray.tobytes(array) for array in arrays.values()]  # in C order, whatever a subclass would make of it
    body = sum(map(len, raw))
    if (size := len(head) + len(table) + body) > LARGEST:
        raise WireError(f"{size} bytes, more than the {LARGEST} that one message may hold")
    return b"".join([_PREFIX.pack(MAGIC, len(head), len(table), body), head, table, *raw])


def _refuse_odd_containers(header: object, arrays: object) -> None:
    for name, value in (("header", header), ("arrays", arrays)):
        if not isinstance(value, Mapping):
            raise WireError(f"{name} of type {type(value).__name__}, not a dict")
        for key in value:
            if not isinstance(key, str):
                raise WireError(f"{name} with a key of type {type(key).__name__}, not str")
            if value is arrays and not isinstance(value[key], np.ndarray):
                raise WireError(f"{key!r} of type {type(value[key]).__name__}, not a NumPy array")


def _dump_head(method: str, header: Header) -> bytes:
    try:
        return json.dumps([method, header]).encode("ascii")
    except (TypeError, ValueError, RecursionError):
        raise WireError(_why_not_json(header)) from None


@lru_cache(_TABLES)
def _dump_table(table: Table) -> bytes:
    for name, dtype, _ in table:
        if dtype.kind not in KINDS:
            raise WireError(f"the array {name!r} of dtype {dtype}, which is not a dtype of plain numbers")
    return json.dumps([(name, dtype.str, shape) for name, dtype, shape in table]).encode("ascii")


def _why_not_json(header: Header) -> str:
    for key, value in header.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError) as error:
            return f"header entry {key!r} of type {type(value).__name__}, which is not JSON ({error})"
    return "a header that is not JSON"


# -- receiving -----------------------------------------------------------------------------------------------


class Incoming:
    """A message that arrives in pieces: feed it from the socket until it is complete; what follows it stays there."""

    def __init__(self) -> None:
        self._data = bytearray(_PREFIX.size)
        self._filled = 0
        self._parts: tuple[int, int] | None = None  # where the table and the arrays begin, once announced

    @property
    def complete(self) -> bool:
        """All announced bytes are there."""
        return self._parts is not None and self._filled == len(self._data)

    def feed(self, channel: socket.socket) -> None:
        """Take what one read of the socket gives, blocking if the socket blocks.

        Raises
        ------
        EOFError
            When the other end is closed.
        WireError
            When the bytes are no message.
        """
        got = channel.recv_into(memoryview(self._data)[self._filled :])
        if not got:
            raise EOFError
        self._filled += got
        if self._parts is None and self._filled == _PREFIX.size:
            self._announce()

    def _announce(self) -> None:
        magic, head, table, body = _PREFIX.unpack_from(self._data)
        if magic != MAGIC or head + table + body > LARGEST:
            raise WireError("bytes that are no message")
        self._parts = (_PREFIX.size + head, _PREFIX.size + head + table)
        self._data += bytes(head + table + body)

    def message(self) -> Message:
        """The message, once complete."""
        assert self._parts is not None
        table, body = self._parts
        try:
            method, header = json.loads(self._data[_PREFIX.size : table].decode("ascii"))
            return Message(str(method), dict(header), self._arrays(bytes(self._data[table:body]), body))
        except (TypeError, ValueError, RecursionError) as error:
            raise WireError(f"bytes that are no message ({error})") from None

    def _arrays(self, text: bytes, start: int) -> Arrays:
        places, size = _load_table(text)
        if start + size != len(self._data):
            raise ValueError(f"{len(self._data) - start - size} bytes left over")
        return {name: np.ndarray(shape, dtype, self._data, start + at).copy() for name, dtype, shape, at in places}


@lru_cache(_TABLES)
def _load_table(text: bytes) -> tuple[list[tuple[str, np.dtype[Any], tuple[int, ...], int]], int]:
    """Name, dtype, shape and first byte of each array, and the bytes of all."""
    places, size = [], 0
    for name, spelled, shape in json.loads(text):
        dtype = np.dtype(spelled)
        if dtype.kind not in KINDS or min(shape, default=0) < 0:  # NumPy takes -1 for "as many as there are"
            raise TypeError(f"an array of dtype {spelled} and shape {shape}")
        places.append((str(name), dtype, tuple(shape), size))
        size += dtype.itemsize * math.prod(shape)
    return places, size


def receive(channel: socket.socket) -> Message:
    """The next message of a blocking socket."""
    incoming = Incoming()
    while not incoming.complete:
        incoming.feed(channel)
    return incoming.message()
