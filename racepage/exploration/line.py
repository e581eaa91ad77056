"""A text as one line that survives being pasted: schedules in a terminal, a chat, an issue.

    rp1:BASE64

The Base64 is the URL-safe one, without padding, of a CRC-32 (four bytes, big-endian) and then of
the text, deflated without a header (RFC 1951) after the dictionary below. The checksum is of the
deflated bytes, so that a line that was cut off or mistyped is told before anything else is done
with it. White space does not count: a line may have been wrapped.

The dictionary is a part of the format. To change it is to make `rp2:`.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode, urlsafe_b64encode
from typing import Final

from racepage.errors import RacepageError

PREFIX: Final = "rp1:"

_ANY_VERSION: Final = re.compile(r"\s*rp[0-9]{1,9}:")
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*")

_DICTIONARY: Final = (
    b'["await",1,0,1]],[["read",0,0,4096],["read",0,0,8],["write",0,0,8],["write",1,0,1,"unlock",2,'
    b'0,1],["lock",3,0,1],["unlock",3,0,1]"}],[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]],[1,[0,1]],'
    b'"finding":null,"digest":null,"parameters":{"bound":2,"depth":3,"quantum":1,"seed":0}'
    b'"kind":"function","kind":"test","name":"tests/test_.py::test_'
    b'"strategy":{"name":"preemption-bound","delay-bound","round-robin","dfs","pct","pos","surw",'
    b'"finding":{"kind":"program-error","kind":"livelock","kind":"deadlock","kind":"use-after-free'
    b'"targets":["cell:0","lock:","sync:1","thread:t1","page:0","page:1"],"operations":['
    b'{"racepage-schedule":1,"program":{"kind":"target","name":".py:main","arguments":[],"digest":"'
    b'"},"strategy":{"name":"dpor","parameters":{}},"strategy":{"name":"random","parameters":{"seed'
    b'":1}},"racepage":"0.1.0","python":"3.11.4","finding":{"kind":"data-race","fingerprint":"'
    b'"},"threads":[["main",[]],["t1",[1]],["t2",[2]],"targets":["page:0"],"operations":[["write",'
    b'0,0,64],["read",0,0,64]],"turns":[[0,[0,1,2]],[1,[0,1]]],"preemptions":[]}'
)


def is_one(text: str) -> bool:
    """Whether a text begins as such a line does, of this version or another."""
    return _ANY_VERSION.match(text) is not None


def wrap(text: str) -> str:
    """The line of an ASCII text."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zdict=_DICTIONARY)
    data = deflate.compress(text.encode("ascii")) + deflate.flush()
    checked = zlib.crc32(data).to_bytes(4) + data
    return PREFIX + urlsafe_b64encode(checked).rstrip(b"=").decode("ascii")


def unwrap(line: str, most: int) -> str:
    """The text of a line, if it has `most` characters or fewer.

    Raises:
        RacepageError: it is no such line.
    """
    if len(line) > 2 * most:
        raise RacepageError(f"no schedule is longer than {2 * most:,} characters")
    packed = "".join(line.split())
    if not is_one(packed):
        raise RacepageError(f"no schedule: it does not begin with {PREFIX}; copy all of it")
    if not packed.startswith(PREFIX):
        raise RacepageError(
            f"a schedule of another version: it does not begin with {PREFIX}, as those do that "
            "this racepage reads; use the racepage that wrote it"
        )
    letters = packed.removeprefix(PREFIX)
    if not _ALPHABET.fullmatch(letters):
        raise _broken("has characters that no schedule has")
    try:
        checked = b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise _broken("is cut off") from None
    data = checked[4:]
    if not data:
        raise _broken("is cut off")
    if zlib.crc32(data) != int.from_bytes(checked[:4]):
        raise _broken("is cut off or mistyped: its checksum does not fit")
    return _inflated(data, most)


def _inflated(data: bytes, most: int) -> str:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS, zdict=_DICTIONARY)
    try:
        text = inflate.decompress(data, most + 1)
        if len(text) > most:
            raise RacepageError(f"no schedule is larger than {most:,} bytes; this line holds more")
        if not inflate.eof or inflate.unused_data:
            raise _broken("does not end where its text does")
        return text.decode("ascii")
    except zlib.error:
        raise _broken("does not hold what its checksum says") from None
    except UnicodeDecodeError:
        raise _broken("holds no ASCII text") from None


def _broken(what: str) -> RacepageError:
    return RacepageError(f"this schedule {what}; copy all of it, from {PREFIX} on")
