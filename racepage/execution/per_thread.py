"""What each thread has of its own: `threading.local`, for threads under control as for others."""

from __future__ import annotations

from collections.abc import Callable
from threading import local as real_local  # `guard` puts the one below into its place
from typing import Any, Generic, Self, TypeVar

from racepage.execution import current
from racepage.execution.current import CONTROLLED

T = TypeVar("T")


class PerThread(Generic[T]):
    """One value for each thread, made when that thread first asks for it."""

    __slots__ = ("_make", "_real")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._real = real_local()

    def here(self) -> T:
        """The value of the current thread."""
        found: T
        if current.mode >= CONTROLLED:
            me = current.kernel.running
            if me.own is None:
                me.own = {}
            if self not in me.own:
                me.own[self] = self._make()
            found = me.own[self]
            return found
        try:
            found = self._real.value
        except AttributeError:
            found = self._real.value = self._make()
        return found


class _Own:
    """What a `local` is in one thread: its attributes, and whether `__init__` was called there."""

    __slots__ = ("begun", "values")

    def __init__(self) -> None:
        self.begun = False
        self.values: dict[str, Any] = {}


class local:  # noqa: N801  (the name that it has in threading)
    """`threading.local`: each thread has its attributes for itself."""

    __slots__ = ("__weakref__", "_racepage_made")

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Self:  # noqa: D102  (as of any class)
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError("Initialization arguments are not supported")
        made = object.__new__(cls)
        own = PerThread(_Own)
        own.here().begun = True  # Python calls `__init__` in this thread, and `_values` in others
        object.__setattr__(made, "_racepage_made", (own, args, kwargs))
        return made

    def __getattribute__(self, name: str) -> Any:
        values = _values(self)
        if name == "__dict__":
            return values
        if name in values and not _is_data(self, name):
            return values[name]
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        if _is_data(self, name):
            object.__setattr__(self, name, value)
        else:
            _values(self)[name] = value

    def __delattr__(self, name: str) -> None:
        values = _values(self)
        if _is_data(self, name):
            object.__delattr__(self, name)
        elif name in values:
            del values[name]
        else:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _values(thing: local) -> dict[str, Any]:
    own, args, kwargs = object.__getattribute__(thing, "_racepage_made")
    here: _Own = own.here()
    if not here.begun:
        here.begun = True
        type(thing).__init__(thing, *args, **kwargs)
    return here.values


def _is_data(thing: local, name: str) -> bool:
    """Whether the class says what is done with that name, as a property does."""
    return hasattr(type(getattr(type(thing), name, None)), "__set__")
