"""Lines of text files, plain or gzipped, for the formats that are text."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from racepage.errors import TraceError

_RATIO: Final = 100  # traces compress by 10 to 50
_LEVEL: Final = 6  # 9 takes twice as long for a tenth less
_SPARED: Final = 1 << 28  # a file that unpacks to no more is not asked for its ratio


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, without a byte order mark; gzipped if its name ends in `.gz`.

    Raises:
        TraceError: a file that cannot be opened or read, text that is not UTF-8, a damaged or cut
            off gzip stream, or one that unpacks to more than 256 MiB and 100 times its size.
    """
    number = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_unpacked(file) if path.suffix == ".gz" else file, 1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        reason = f"expected UTF-8, found byte 0x{error.object[error.start]:02x}: {error.reason}"
        raise TraceError(reason, path=str(path), place=f"line {number}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = f"the gzip stream is damaged after this line: {error}"
        raise TraceError(reason, path=str(path), place=f"line {number}") from None
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    except _BombError as error:
        raise TraceError(str(error), path=str(path), place=f"line {number}") from None


def write_lines(lines: Iterable[str], path: Path) -> None:
    """Write lines, which bring their ends, as UTF-8; gzipped if the name ends in `.gz`.

    Raises:
        OSError: where the file cannot be written.
    """
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", _LEVEL, fileobj=file, mtime=0) as packed:
                packed.writelines(line.encode() for line in lines)
        else:
            file.writelines(line.encode() for line in lines)


class _BombError(Exception):
    """A small file that unpacks to too much."""


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a gzip stream, as long as it stays in proportion."""
    size = file.seek(0, 2)
    file.seek(0)
    if not size:
        raise gzip.BadGzipFile("it is empty, which no gzip stream is")
    limit = max(_SPARED, _RATIO * size)
    left = limit
    with gzip.GzipFile(fileobj=file) as stream:
        while line := stream.readline(left + 1):
            left -= len(line)
            if left < 0:
                raise _BombError(
                    f"{size} bytes unpack to more than {limit}: unpack it first if that is meant"
                )
            yield line
