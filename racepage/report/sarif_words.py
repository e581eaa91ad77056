"""Places and sentences as SARIF has them: URIs, and messages that say nothing else than they do."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from racepage.report.parts import Place, seen_from_here

Object = dict[str, Any]

_BRACES: Final = str.maketrans({"{": "{{", "}": "}}"})


def message(text: str) -> Object:
    """A sentence that is text and no more: not a placeholder, and not a link to anywhere."""
    return {"text": text.translate(_BRACES).replace("](", "] (")}


def artifact(file: str) -> Object:
    """Where a file is: from the working directory, if it is below it, and else absolutely."""
    path = PurePath(seen_from_here(file))
    uri = quote(path.as_posix().encode("utf-8", "surrogatepass"), safe="/")
    if path.is_absolute():
        return {"uri": f"file://{uri}"}
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def physical(place: Place) -> Object:
    """A line of a file."""
    return {"artifactLocation": artifact(place.file), "region": {"startLine": place.line}}
