"""The message format."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ltdcheck.runner import wire

PLAIN = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="="),
    hnp.floating_dtypes(endianness="="),
    hnp.floating_dtypes(endianness=">", sizes=(32, 64)),
    hnp.complex_number_dtypes(endianness="="),
)
ARRAYS = st.dictionaries(
    st.text(max_size=8),
    PLAIN.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))),
    max_size=4,
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a channel."""
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def sent(data: bytes, ends: tuple[socket.socket, socket.socket]) -> wire.Message:
    """What arrives when ``data`` is sent and nothing follows."""
    left, right = ends
    writer = threading.Thread(target=lambda: (left.sendall(data), left.shutdown(socket.SHUT_WR)))
    writer.start()
    try:
        return wire.receive(right)
    finally:
        right.close()
        writer.join()
        left.close()


def back(data: bytes) -> wire.Message:
    """``data`` through a channel of its own."""
    return sent(data, socket.socketpair())


def frame(table: object, body: bytes = b"", *, head: object = ("m", {}), magic: bytes = wire.MAGIC) -> bytes:
    """A frame with any head and table."""
    texts = [json.dumps(part).encode() for part in (head, table)]
    return struct.pack("<4sIIQ", magic, *map(len, texts), len(body)) + b"".join(texts) + body


@given(ARRAYS)
def test_arrays_arrive_bit_for_bit(arrays: dict[str, np.ndarray]) -> None:
    """Names, dtypes, shapes and bytes, NaN payloads and signs of zero among them, are what was sent."""
    _, _, arrived = back(wire.encode("m", {}, arrays))
    assert list(arrived) == list(arrays)
    for name, array in arrays.items():
        assert arrived[name].dtype == array.dtype
        assert arrived[name].shape == array.shape
        assert arrived[name].tobytes() == array.tobytes()


def test_header_arrives_as_plain_data() -> None:
    """Method and header arrive; NaN and infinities are allowed in them."""
    header = {"a": [1, 2.5, None, True], "b": {"c": "\u00fc\udc80"}, "inf": float("-inf")}
    assert back(wire.encode("forward", header, {}))[:2] == ("forward", header)


def test_a_strided_array_arrives_contiguous_and_writable() -> None:
    """What arrives owns its memory, whatever the layout of what was sent."""
    array = np.arange(24.0).reshape(4, 6)[::-2, 1::2].T
    arrived = back(wire.encode("m", {}, {"x": array})).arrays["x"]
    assert arrived.tolist() == array.tolist()
    assert arrived.flags.c_contiguous
    assert arrived.flags.writeable
    assert arrived.flags.owndata
    assert arrived.flags.aligned


def test_encode_copies_at_the_time_of_the_call() -> None:
    """A buffer that changes after ``encode`` does not change the message."""
    buffer = np.zeros(3)
    data = wire.encode("m", {}, {"y": buffer[:]})
    buffer += 1
    assert back(data).arrays["y"].tolist() == [0, 0, 0]


def test_a_message_larger_than_any_buffer_arrives(ends: tuple[socket.socket, socket.socket]) -> None:
    """A message of many reads is put together."""
    array = np.arange(500_000.0)
    assert np.array_equal(sent(wire.encode("m", {}, {"x": array}), ends).arrays["x"], array)


def test_a_message_that_comes_byte_by_byte_arrives(ends: tuple[socket.socket, socket.socket]) -> None:
    """The prefix, the head and the body may be cut anywhere."""
    left, right = ends
    incoming = wire.Incoming()
    for byte in wire.encode("m", {"a": 1}, {"x": np.arange(3)}):
        assert not incoming.complete
        left.send(bytes([byte]))
        incoming.feed(right)
    assert incoming.complete
    assert incoming.message().arrays["x"].tolist() == [0, 1, 2]


def test_what_follows_a_message_is_the_next(ends: tuple[socket.socket, socket.socket]) -> None:
    """Two that arrive together are read one after the other."""
    left, right = ends
    left.sendall(wire.encode("m", {"a": 1}, {"x": np.arange(3)}) + wire.encode("m", {"a": 2}, {}))
    assert [wire.receive(right).header for _ in range(2)] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("cut", [0, 5, 20, 25])
def test_a_message_cut_short_is_the_end(cut: int, ends: tuple[socket.socket, socket.socket]) -> None:
    """A channel that closes before the last byte raises EOFError, wherever that is."""
    with pytest.raises(EOFError):
        sent(wire.encode("m", {"a": 1}, {})[:cut], ends)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 64,
        frame([], magic=b"ltd0"),
        struct.pack("<4sIIQ", wire.MAGIC, 10, 2, wire.LARGEST),
        frame([], head=["m"]),
        frame([], head=1),
        frame([], head=["m", 1]),
        frame({"x": 1}),
        frame([["x", "<f8"]], bytes(8)),
        frame([["x", "|O", [1]]], bytes(8)),
        frame([["x", "f8,f8", [1]]], bytes(16)),
        frame([["x", "no dtype", [1]]], bytes(8)),
        frame([["x", "<f8", [2]]], bytes(8)),
        frame([["x", "<f8", [1]]], bytes(9)),
        frame([["x", "<f8", [-1]]], bytes(8)),
        frame([["x", "<f8", ["1"]]], bytes(8)),
        frame([["x", "<f8", 1]], bytes(8)),
        frame([["x", "<f8", [1 << 62, 1 << 62]]], bytes(8)),
        struct.pack("<4sIIQ", wire.MAGIC, 100_000, 0, 0) + b"[" * 100_000,
        struct.pack("<4sIIQ", wire.MAGIC, 4, 0, 0) + b"\xff\xfe\xfd\xfc",
    ],
)
def test_bytes_that_are_no_message_are_refused(data: bytes, ends: tuple[socket.socket, socket.socket]) -> None:
    """A wrong prefix, head, dtype, shape or length raises WireError and nothing else."""
    with pytest.raises(wire.WireError, match="no message"):
        sent(data, ends)


@pytest.mark.parametrize(
    ("header", "arrays", "names"),
    [
        ({"when": {1}}, {}, "'when' of type set"),
        ({"size": np.int64(3)}, {}, "'size' of type int64"),
        ({1: 2}, {}, "header with a key of type int"),
        ([], {}, "header of type list"),
        ({}, [], "arrays of type list"),
        ({}, {"y": [1.0]}, "'y' of type list"),
        ({}, {"y": np.array([None])}, "'y' of dtype object"),
        ({}, {"y": np.array(["a"])}, "'y' of dtype <U1"),
        ({}, {"y": np.zeros(1, "M8[s]")}, "'y' of dtype datetime64"),
    ],
)
def test_what_cannot_be_sent_is_named(header: Any, arrays: Any, names: str) -> None:
    """Anything but plain data and arrays of plain numbers is refused before a byte is sent, by name."""
    with pytest.raises(wire.WireError) as caught:
        wire.encode("m", header, arrays)
    assert names in str(caught.value)
