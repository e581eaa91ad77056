"""How a transaction gets into the receiver's region.

After `Thread::copy_transaction_data` in `drivers/android/binder/thread.rs`. The sender's thread, in
the kernel, does all of it:

    1. reserve a buffer in the receiver's region and put its pages in use
    2. read the offsets from user memory, once; check them; write them behind the data
    3. for each object: copy the data in front of it straight from user memory into the pages, read
       the object, write what it means to the receiver (a handle) in its stead
    4. copy the rest of the data: the last copy
    5. deliver: put the transaction into the receiver's queue

What protects the buffer: nobody but the sender knows of it until step 5; from then on it is the
receiver's. The queue's put -> get is the edge.

User memory may change under the kernel at any time: each byte of it is read once, and what was
checked is what is used. `reread_offsets` breaks that at the other end: it uses the offsets that it
reads again from the receiver's pages (rust_binder did until "avoid reading the written value in
offsets array"). `deliver_early` does step 5 before step 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Final

from racepage.errors import BadAddress, InvalidArgument
from racepage.memory import UserMemory, UserSlice, UserSliceReader
from racepage.workloads.binder.process import Buffer, Process, Transaction

WORD: Final = Struct("<Q")  # an offset, an object (the number of a node), a handle


@dataclass(frozen=True, slots=True)
class Message:
    """A sender's user memory: `size` bytes of data, then the offsets of the objects in them."""

    memory: UserMemory
    size: int


def message(size: int, fill: int, objects: dict[int, int] | None = None) -> Message:
    """User memory with `size` bytes of `fill`, and nodes at some offsets: offset -> node."""
    objects = objects or {}
    data = bytearray([fill % 256]) * size
    for offset, node in objects.items():
        WORD.pack_into(data, offset, node)
    offsets = b"".join(map(WORD.pack, objects))
    return Message(UserMemory(data + offsets, label="message"), size)


def send(
    content: Message,
    target: Process,
    *,
    reply_to: Process | None = None,
    clear_on_free: bool = False,
    deliver_early: bool = False,
    reread_offsets: bool = False,
    translated: Callable[[int], None] = lambda _: None,
) -> None:
    """Copy `content` into the region of `target`, and deliver it.

    Args:
        content: what to send.
        target: the receiver.
        reply_to: who waits for the reply, if anybody.
        clear_on_free: zero the buffer when the receiver frees it.
        deliver_early: a bug, see above.
        reread_offsets: a bug, see above.
        translated: called after each object with its number: a place for another thread to act.

    Raises:
        InvalidArgument: an offset is not one of an object in the data.
        BadAddress: a part of the user memory is not there; the buffer is given back.
        NoSpaceError, AllocError: see `Process.buffer_alloc`.
    """
    offsets = _read_offsets(content)
    buffer = target.buffer_alloc(
        content.size, WORD.size * len(offsets), clear_on_free=clear_on_free
    )
    transaction = Transaction(buffer, reply_to)
    user = UserSlice(content.memory, 0, content.size).reader()
    try:
        target.pages.write(buffer.offsets_start, b"".join(map(WORD.pack, offsets)))
        done = 0
        for number, checked in enumerate(offsets):
            offset = _reread(target, buffer, number) if reread_offsets else checked
            target.pages.copy_from_user_slice(user, buffer.offset + done, offset - done)
            handle = target.handle(_read_object(user))
            target.pages.write(buffer.offset + offset, WORD.pack(handle))
            done = offset + WORD.size
            translated(number)
        if deliver_early:
            target.todo.put(transaction)
        target.pages.copy_from_user_slice(user, buffer.offset + done, content.size - done)
    except BadAddress:
        target.buffer_free(buffer)
        raise
    if not deliver_early:
        target.todo.put(transaction)


def _read_offsets(content: Message) -> list[int]:
    """The offsets, read once from user memory and checked."""
    behind = UserSlice(content.memory, content.size, len(content.memory) - content.size)
    raw = behind.reader().read_all()
    offsets = [offset for (offset,) in WORD.iter_unpack(raw)]
    end = 0
    for offset in offsets:
        if not end <= offset <= content.size - WORD.size or offset % WORD.size:
            raise InvalidArgument(f"there is no object at offset {offset} of {content.size} bytes")
        end = offset + WORD.size
    return offsets


def _read_object(user: UserSliceReader) -> int:
    """The next object of the sender's data: the number of a node."""
    raw = bytearray(WORD.size)
    user.read_raw(raw)
    node: int
    (node,) = WORD.unpack(raw)
    return node


def _reread(target: Process, buffer: Buffer, number: int) -> int:
    """The bug: an offset as the receiver's page has it by now, taken to be the one checked."""
    offset: int
    (offset,) = WORD.unpack(target.pages.read(buffer.offsets_start + number * WORD.size, WORD.size))
    return offset
