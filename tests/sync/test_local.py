"""`local`: each thread has its attributes for itself."""

from __future__ import annotations

from typing import Any

import pytest


def in_another_thread(lib: Any, body: Any) -> Any:
    found: list[Any] = []
    thread = lib.Thread(target=lambda: found.append(body()))
    thread.start()
    thread.join()
    return found[0]


def test_each_thread_has_its_own_attributes(lib: Any) -> None:
    local = lib.local()
    local.a = 1

    def look() -> list[bool]:
        before = hasattr(local, "a")
        local.a = 2
        return [before, local.a == 2]

    assert in_another_thread(lib, look) == [False, True]
    assert local.a == 1
    assert local.__dict__ == {"a": 1}
    del local.a
    assert local.__dict__ == {}
    with pytest.raises(AttributeError):
        _ = local.a
    with pytest.raises(AttributeError):
        del local.a


def test_a_subclass_begins_in_each_thread_anew(lib: Any) -> None:
    class Counter(lib.local):  # type: ignore[misc]
        step = 1

        def __init__(self, begin: int) -> None:
            self.value = begin

        @property
        def double(self) -> int:
            return 2 * int(self.value)

        @double.setter
        def double(self, value: int) -> None:
            self.value = value // 2

        def count(self) -> int:
            self.value += self.step
            return int(self.value)

    counter = Counter(10)
    assert [counter.count(), counter.count()] == [11, 12]
    assert in_another_thread(lib, counter.count) == 11
    counter.double = 40
    assert (counter.value, counter.double) == (20, 40)
    assert in_another_thread(lib, lambda: counter.double) == 20


def test_arguments_without_an_init_are_refused(lib: Any) -> None:
    with pytest.raises(TypeError):
        lib.local(1)
