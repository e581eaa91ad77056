"""A reader of the part of Graphviz's language that is written here, and of nothing else.

Of quoted strings Graphviz takes `\\"` for a quote; labels have `\\n` for a line's end, `\\\\` for
a backslash, and the entities of HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'\s+|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<word>[A-Za-z_0-9]+)|(?P<mark>->|[{}\[\]=,;])'
)


@dataclass
class Graph:
    """Nodes and edges, each with its attributes; clusters by name, with their label and nodes."""

    attributes: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    clusters: dict[str, tuple[str, list[str]]] = field(default_factory=dict)


def label(value: str) -> list[str]:
    """The lines of a label as they are shown."""
    lines, line, rest = [], "", value
    while rest:
        if rest.startswith("\\"):
            assert rest[1] in "n\\", f"Graphviz gives a meaning to \\{rest[1]}"
            if rest[1] == "n":
                lines.append(line)
                line = ""
            else:
                line += "\\"
            rest = rest[2:]
        else:
            line, rest = line + rest[0], rest[1:]
    return [html.unescape(one) for one in (*lines, line)]


def read(text: str) -> Graph:
    """The graph that a file is."""
    assert text.endswith("}\n")
    tokens = _tokens(text)
    assert [next(tokens) for _ in range(3)] == ["digraph", "happens_before", "{"]
    graph = Graph()
    cluster: str | None = None
    for word in tokens:
        if word == "}":
            if cluster is None:
                assert next(tokens, None) is None
                return graph
            cluster = None
        elif word == "subgraph":
            assert cluster is None
            cluster = next(tokens)
            assert cluster not in graph.clusters
            graph.clusters[cluster] = ("", [])
            assert next(tokens) == "{"
        else:
            mark = next(tokens)
            if mark == "->":
                to = next(tokens)
                assert next(tokens) == "["
                graph.edges.append((word, to, _attributes(tokens)))
                continue
            assert mark == "["
            attributes = _attributes(tokens)
            if word == "graph" and cluster is not None:
                graph.clusters[cluster] = (attributes["label"], graph.clusters[cluster][1])
            elif word in {"graph", "node", "edge"}:
                graph.attributes |= {f"{word}.{key}": value for key, value in attributes.items()}
            else:
                assert cluster is not None
                assert word not in graph.nodes
                graph.nodes[word] = attributes
                graph.clusters[cluster][1].append(word)
    raise AssertionError("the graph is not closed")


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match, f"not in the language: {text[at : at + 40]!r}"
        at = match.end()
        if match.lastgroup:
            yield match[0]


def _attributes(tokens: Iterator[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    while True:
        key = next(tokens)
        assert key not in found
        assert next(tokens) == "="
        value = next(tokens)
        found[key] = value[1:-1].replace('\\"', '"') if value.startswith('"') else value
        mark = next(tokens)
        if mark == "]":
            assert next(tokens) == ";"
            return found
        assert mark == ","
