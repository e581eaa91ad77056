"""What happens between the processes: free-running traffic, and one scene for each known mistake.

A scene puts two or three threads into the one situation in which its mistake matters. `meet` holds
threads up and makes no edge. Every scene runs without its mistake as well, in just that timing, and
must be clean then: so it is the protocol that is judged, and not the luck of a run.
"""

from __future__ import annotations

from typing import Final

from racepage import sync
from racepage.memory import PAGE_SIZE
from racepage.workloads import crew
from racepage.workloads.binder.death import DeathList
from racepage.workloads.binder.page_range import Lru
from racepage.workloads.binder.process import Process, Transaction
from racepage.workloads.binder.transaction import WORD, message, send

DATA: Final = PAGE_SIZE + 512  # bytes of a transaction's data: more than a page
OBJECTS: Final = {PAGE_SIZE + 64: 7, PAGE_SIZE + 128: 8}  # offset in the data -> node
PAGES: Final = 3  # of a region for each buffer that may be in it at once


class World:
    """A server and its clients, and the LRU that they share."""

    def __init__(self, clients: int = 1, *, checks_state: bool = True) -> None:
        self.lru = Lru(checks_state=checks_state)
        self.server = Process("server", PAGES * clients, self.lru)
        self.clients = [
            Process(f"client-{number}" if number else "client", PAGES, self.lru)
            for number in range(clients)
        ]

    def close(self) -> None:
        """Free all pages; no other thread is left."""
        for process in (self.server, *self.clients):
            process.pages.close()


def receive(process: Process) -> Transaction:
    """The next transaction for a process that nobody asked to stop."""
    transaction = process.todo.get()
    if transaction is None:
        raise crew.IntegrityError(f"{process.name} was asked to stop")
    return transaction


def load_data(process: Process, transaction: Transaction) -> bytes:
    """A transaction's data, as the receiver itself reads them."""
    return process.load(transaction.buffer.offset, transaction.buffer.data_size)


def delivered(process: Process, fill: int, objects: dict[int, int]) -> bytes:
    """The data of `message(DATA, fill, objects)` as `process` is to receive them: with handles."""
    data = bytearray([fill % 256]) * DATA
    for offset, node in objects.items():
        WORD.pack_into(data, offset, process.handle(node))
    return bytes(data)


# Traffic


def traffic(clients: int, rounds: int) -> None:
    """Two waves of calls, a shrinker at work all the time, and all pages reclaimed in between."""
    world = World(clients)
    wave(world, rounds)
    server = world.server.pages
    for index, page in enumerate(server.mapped):
        if page is not None:
            left = server.read(index * PAGE_SIZE, PAGE_SIZE)
            crew.check(not any(left), f"page {index} of the server was not zeroed on free")
    allocated = server.allocated
    world.lru.shrink()
    crew.check(server.mapped.count(None) == len(server.mapped), "a page was not reclaimed")
    wave(world, rounds)
    crew.check(server.allocated > allocated, "no reclaimed page was allocated again")
    world.close()


def wave(world: World, rounds: int) -> None:
    """Every client calls the server `rounds` times; as many threads serve, and one shrinks."""

    def client(number: int) -> None:
        process = world.clients[number]
        for turn in range(rounds):
            fill = 16 * number + turn + 1
            request = message(DATA, fill, OBJECTS)
            send(request, world.server, reply_to=process, clear_on_free=True)
            reply = receive(process)
            data = load_data(process, reply)
            process.buffer_free(reply.buffer)
            crew.check(data == delivered(process, 255 - fill, {}), f"reply {fill} was damaged")
        world.server.todo.put(None)  # one thread less to serve

    def serve(_: int) -> None:
        server = world.server
        while (request := server.todo.get()) is not None and request.reply_to is not None:
            data = load_data(server, request)
            buffer = request.buffer
            offsets = server.load(buffer.offsets_start, buffer.offsets_size)
            server.buffer_free(buffer)
            fill = data[0]
            crew.check(data == delivered(server, fill, OBJECTS), f"request {fill} was damaged")
            crew.check(
                [offset for (offset,) in WORD.iter_unpack(offsets)] == list(OBJECTS),
                f"the offsets of request {fill} were damaged",
            )
            send(message(DATA, 255 - fill), request.reply_to)

    def shrink() -> None:
        for _ in range(4 * rounds):
            world.lru.shrink(1)

    crew.run(
        {
            **crew.team("client", len(world.clients), client),
            **crew.team("server", len(world.clients), serve),
            "shrinker": shrink,
        }
    )


# Scenes


def shrinker_unchecked(*, broken: bool) -> None:
    """The shrinker comes while the server is at a buffer. Broken: it takes a page that is in use.

    It frees the region's first page. The sender's copying into that page comes before: each later
    access of the sender took the page range's lock, as the shrinker does. The server's loads take
    no lock at all, so nothing orders them with the freeing.
    """
    world = World(checks_state=not broken)
    meet = sync.invisible_barrier(2)

    def client() -> None:
        send(message(DATA, 1, OBJECTS), world.server)

    def server() -> None:
        request = receive(world.server)
        data = load_data(world.server, request)
        meet.wait()
        meet.wait()
        world.server.buffer_free(request.buffer)
        crew.check(data == delivered(world.server, 1, OBJECTS), "a request was damaged")

    def shrinker() -> None:
        meet.wait()
        freed = world.lru.shrink(1)
        meet.wait()
        crew.check(broken == bool(freed), "the shrinker took what it should not have")

    crew.run({"client": client, "server": server, "shrinker": shrinker})
    world.close()


def early_free(*, broken: bool) -> None:
    """Two replies to one client. Broken: the client frees the first buffer, and then reads it.

    The second reply is given the same bytes, since the region is empty. The client's late load
    comes after it gave its lock back, so nothing orders it with the copying of the second reply.
    """
    world = World()
    client_process = world.clients[0]
    meet = sync.invisible_barrier(2)

    def client() -> None:
        reply = receive(client_process)
        data = b"" if broken else load_data(client_process, reply)
        client_process.buffer_free(reply.buffer)
        meet.wait()
        if broken:
            load_data(client_process, reply)
        meet.wait()
        second = receive(client_process)
        crew.check(second.buffer == reply.buffer, "the second reply is elsewhere")
        data += load_data(client_process, second)
        client_process.buffer_free(second.buffer)
        expected = b"" if broken else bytes([1]) * DATA
        crew.check(data == expected + bytes([2]) * DATA, "a reply was damaged")

    def server() -> None:
        send(message(DATA, 1), client_process)
        meet.wait()
        send(message(DATA, 2), client_process)
        meet.wait()

    crew.run({"client": client, "server": server})
    world.close()


def early_delivery(*, broken: bool) -> None:
    """One request. Broken: it is delivered before the last copy.

    The server's load of the bytes behind the last object comes after the delivery, and so does
    their copying. The server keeps the buffer until the sender is done, since freeing it would take
    locks that the sender takes too.
    """
    world = World()
    meet = sync.invisible_barrier(2)

    def client() -> None:
        send(message(DATA, 1, OBJECTS), world.server, deliver_early=broken)
        meet.wait()

    def server() -> None:
        request = receive(world.server)
        data = load_data(world.server, request)
        meet.wait()
        world.server.buffer_free(request.buffer)
        crew.check(broken or data == delivered(world.server, 1, OBJECTS), "a request was damaged")

    crew.run({"client": client, "server": server})
    world.close()


def offsets_reread(*, broken: bool) -> None:
    """A server that writes to its own region moves an object while it is being sent.

    It takes its lock of handles first, which the sender's translating of the first object gave
    back; so its store comes after the sender's writing of the offsets. It does nothing more until
    the sender has translated the second object. Broken: the sender reads that one's offset again.
    """
    world = World()
    meet = sync.invisible_barrier(2)
    first, second = OBJECTS
    moved = second + WORD.size

    def pause(number: int) -> None:
        if number == 0:
            meet.wait()
            meet.wait()

    def client() -> None:
        send(message(DATA, 1, OBJECTS), world.server, reread_offsets=broken, translated=pause)

    def server() -> None:
        meet.wait()
        known = world.server.handle(OBJECTS[first])
        world.server.store(DATA + WORD.size, WORD.pack(moved))
        meet.wait()
        request = receive(world.server)
        data = load_data(world.server, request)
        world.server.buffer_free(request.buffer)
        crew.check(WORD.unpack_from(data, first) == (known,), "the first object was damaged")
        crew.check(broken == (data != delivered(world.server, 1, OBJECTS)), "a request was damaged")

    crew.run({"client": client, "server": server})
    world.close()


def death_list(*, broken: bool) -> None:
    """A process dies, and one of its watchers loses interest after the first one was told.

    Broken: the list was taken off as a whole, and is walked without the lock under which the
    watcher takes its node off.
    """
    deaths = DeathList("server")
    nodes = [deaths.request(cookie) for cookie in range(1, 5)]
    meet = sync.invisible_barrier(2)
    told: list[int] = []

    def tell(cookie: int) -> None:
        told.append(cookie)
        if cookie == 1:
            meet.wait()
            meet.wait()

    def dying() -> None:
        (deaths.release_unlocked if broken else deaths.release)(tell)
        crew.check(told == ([1, 2] if broken else [1, 3, 4]), f"told were {told}")

    def watcher() -> None:
        meet.wait()
        crew.check(deaths.clear(nodes[1]), "the second watcher was not on the list")
        meet.wait()

    crew.run({"server": dying, "watcher": watcher})
    deaths.page.free()
