"""Primitives that order what threads do, and say so: `threading` and `queue` with a record.

Code moves over by changing an import: names, arguments and errors are theirs, and what needs no
record (`current_thread`, `local`, …) is handed through. Every primitive takes a `name=` that
reports show. One that is made while nothing records, or used then, works as the original does.
"""

from __future__ import annotations

from queue import Empty, Full
from threading import (
    TIMEOUT_MAX,
    BrokenBarrierError,
    ExceptHookArgs,
    ThreadError,
    active_count,
    current_thread,
    enumerate,  # noqa: A004  (threading's own name)
    excepthook,
    get_ident,
    get_native_id,
    getprofile,
    gettrace,
    local,
    main_thread,
    setprofile,
    settrace,
    stack_size,
)

from racepage.sync.barrier import Barrier, InvisibleBarrier, invisible_barrier
from racepage.sync.completion import Completion
from racepage.sync.condition import Condition
from racepage.sync.event import Event
from racepage.sync.lock import Lock, Mutex, SpinLock
from racepage.sync.once import Once
from racepage.sync.queue import LifoQueue, PriorityQueue, Queue, ShutDown, SimpleQueue
from racepage.sync.rlock import RLock
from racepage.sync.rwlock import RwLock
from racepage.sync.semaphore import BoundedSemaphore, Semaphore
from racepage.sync.thread import Thread, Timer

__all__ = [
    "TIMEOUT_MAX",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "Completion",
    "Condition",
    "Empty",
    "Event",
    "ExceptHookArgs",
    "Full",
    "InvisibleBarrier",
    "LifoQueue",
    "Lock",
    "Mutex",
    "Once",
    "PriorityQueue",
    "Queue",
    "RLock",
    "RwLock",
    "Semaphore",
    "ShutDown",
    "SimpleQueue",
    "SpinLock",
    "Thread",
    "ThreadError",
    "Timer",
    "active_count",
    "current_thread",
    "enumerate",
    "excepthook",
    "get_ident",
    "get_native_id",
    "getprofile",
    "gettrace",
    "invisible_barrier",
    "local",
    "main_thread",
    "setprofile",
    "settrace",
    "stack_size",
]
