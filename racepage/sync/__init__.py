"""Primitives that order what threads do, and say so: `threading` and `queue` with a record.

Code moves over by changing an import: names, arguments and errors are theirs, and what needs no
record (`current_thread`, `TIMEOUT_MAX`, …) is handed through. Every primitive takes a `name=` that
reports show. One that is made while nothing records, or used then, works as the original does.

Where schedules are explored, threads are not those of the operating system, nobody waits for a
clock, and what is not from here would block them all: so `sleep` and `monotonic` are here, too.
"""

from __future__ import annotations

from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    BrokenExecutor,
    CancelledError,
    InvalidStateError,
)
from queue import Empty, Full
from threading import (
    TIMEOUT_MAX,
    BrokenBarrierError,
    ExceptHookArgs,
    ThreadError,
    excepthook,
    get_native_id,
    getprofile,
    gettrace,
    main_thread,
    setprofile,
    settrace,
    stack_size,
)

from racepage.events import MemoryOrder
from racepage.execution.per_thread import local
from racepage.sync._exchange import Selected
from racepage.sync.atomic import Atomic, fence, spin_until
from racepage.sync.barrier import Barrier
from racepage.sync.channel import Channel, ChannelClosedError, select
from racepage.sync.clock import monotonic, sleep, yield_now
from racepage.sync.completion import Completion
from racepage.sync.condition import Condition
from racepage.sync.event import Event
from racepage.sync.future import DoneAndNotDoneFutures, Future, as_completed, wait
from racepage.sync.invisible import InvisibleBarrier, invisible_barrier
from racepage.sync.lock import Lock, Mutex, SpinLock
from racepage.sync.once import Once
from racepage.sync.pool import BrokenThreadPool, ThreadPool
from racepage.sync.queue import LifoQueue, PriorityQueue, Queue, ShutDown, SimpleQueue
from racepage.sync.rcu import RCU
from racepage.sync.rlock import RLock
from racepage.sync.rwlock import RwLock
from racepage.sync.semaphore import BoundedSemaphore, Semaphore
from racepage.sync.seqlock import SeqLock
from racepage.sync.thread import (
    Thread,
    Timer,
    active_count,
    current_thread,
    enumerate,  # noqa: A004  (threading's own name)
    get_ident,
)
from racepage.sync.waitgroup import WaitGroup

ThreadPoolExecutor = ThreadPool  # the name that code which moves over knows

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "RCU",
    "TIMEOUT_MAX",
    "Atomic",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "BrokenExecutor",
    "BrokenThreadPool",
    "CancelledError",
    "Channel",
    "ChannelClosedError",
    "Completion",
    "Condition",
    "DoneAndNotDoneFutures",
    "Empty",
    "Event",
    "ExceptHookArgs",
    "Full",
    "Future",
    "InvalidStateError",
    "InvisibleBarrier",
    "LifoQueue",
    "Lock",
    "MemoryOrder",
    "Mutex",
    "Once",
    "PriorityQueue",
    "Queue",
    "RLock",
    "RwLock",
    "Selected",
    "Semaphore",
    "SeqLock",
    "ShutDown",
    "SimpleQueue",
    "SpinLock",
    "Thread",
    "ThreadError",
    "ThreadPool",
    "ThreadPoolExecutor",
    "Timer",
    "WaitGroup",
    "active_count",
    "as_completed",
    "current_thread",
    "enumerate",
    "excepthook",
    "fence",
    "get_ident",
    "get_native_id",
    "getprofile",
    "gettrace",
    "invisible_barrier",
    "local",
    "main_thread",
    "monotonic",
    "select",
    "setprofile",
    "settrace",
    "sleep",
    "spin_until",
    "stack_size",
    "wait",
    "yield_now",
]
