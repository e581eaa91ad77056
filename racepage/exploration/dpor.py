"""Optimal partial-order reduction: one execution for each order that can matter.

Abdulla, Aronis, Jonsson and Sagonas, Source sets: a foundation for optimal dynamic partial order
reduction, JACM 64(4), 2017. Two executions that differ in the order of steps that do not depend on
each other are one Mazurkiewicz trace, and one of them will do. The search is depth first over
steps. After each execution every race in it is looked at: two dependent steps with nothing between
them. To have them the other way round, the steps after the first one that do not depend on it, and
then the second one, must be done in its place: a wakeup sequence. Sequences are kept in a tree at
the point of the first step (`wakeup`), unless a thread that sleeps there could as well begin one:
then it was explored. Source sets make it complete, and the trees make it optimal: no execution is
begun that turns out to be an old one.

What differs, and what was added:
- Only races with a new second step are looked at: those among the steps that an execution shares
  with the one before it were looked at then.
- Locks are turned round as sections (`order`); a thread that waits for a lock at the end, as in a
  deadlock, races with the one that took it. A thread that waits for anything else is never put
  before what it waits for by a race that it does not have, and where a sequence asks for a thread
  that cannot go, the search goes on without it: that is complete, but may cost an execution.
- Where a thread picks, it has several events of which it does one. They keep each other from being
  done, as two that take a lock and never give it back, and are turned round as these: at the end of
  every execution the others race with the one that was done, and so does a time-out that was
  missed with the step that woke the thread. As neither comes after the other, all that does not
  depend on the first goes into the sequence, and old races are looked at again: an execution can
  be repeated.
- A failed compare-exchange counts as a read. In its new place it may not fail: the sequence is
  made with what it was, which is not always enough (`doubt`).
- An execution that ends by a failure says nothing of what would come after it, so what the other
  threads were about to do is tried in the place of the failing step, which never sleeps. Of the
  executions with a failure, those are found that show the failure and what led to it, and all that
  the others can do without it. An end that daemons do not see is as a failure to them.
- One that ends at the limit of steps is an execution like any other. Where the search is free,
  a thread goes on that has begun; after a while, and when it gives way, the next one goes, as
  otherwise one that looks for something again and again would never see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, NoReturn

from racepage.errors import NondeterminismError
from racepage.execution.step import READ, Step
from racepage.exploration.doubt import Doubt
from racepage.exploration.frame import Frame, read
from racepage.exploration.order import Order
from racepage.exploration.saved import MOST, Saved, written
from racepage.exploration.strategy import Run, Strategy, Task, gives_way
from racepage.exploration.wakeup import (
    Asleep,
    Event,
    Node,
    Variants,
    after,
    covered,
    insert,
    prune,
    ways,
)

PATIENCE: Final = 100
"""After as many steps it is another thread's turn, where nothing else decides."""

MOST_STEPS: Final = 20_000
"""Longer is no path that can be restored; what happened before each of its steps takes a bit."""


class Point:
    """A point of the execution under way that is not on the path yet.

    Attributes:
        node: the step that was to be done there; None if that was free.
        nodes: what else is to be done there.
        counts: from how many was picked, so far.
    """

    __slots__ = ("counts", "node", "nodes")

    def __init__(self, node: Node | None, nodes: list[Node]) -> None:
        self.node = node
        self.nodes = nodes
        self.counts: list[int] = []


class OptimalDpor(Strategy):
    """Depth-first search over Mazurkiewicz traces, each once."""

    name: ClassVar[str] = "dpor"
    exhaustive: ClassVar[bool] = True

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._order = Order()
        self._doubt = Doubt()
        self._choices = False  # whether a thread ever had one: a pick, or a wait that was timed
        self._variants = Variants()
        self._over = False
        # of the execution under way:
        self._known = 0  # so many steps are as they were the last time
        self._depth = 0
        self._level = 0  # picks of the step
        self._points: list[Point] = []
        self._nodes: list[Node] = []  # what is to be done next
        self._asleep: Asleep = []  # what surely need not be done next
        self._drowsy: Asleep = []  # what may not need to
        self._announced: list[Step] = []  # what each step off the path was about to do
        self._tasks: Sequence[Task] = ()
        self._streak = 0  # free choices since a thread had to give up its turn

    def begin(self) -> bool:
        frames = self._frames
        if self._over:
            return False
        self._depth = 0
        self._points.clear()
        self._known = max(len(frames) - 1, 0)
        self._nodes = frames[-1].nodes if frames else []
        self._asleep = self._drowsy = frames[-1].asleep if frames else []
        self._announced.clear()
        self._streak = 0
        return True

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        depth = self._depth
        self._depth = depth + 1
        self._level = 0
        if depth < self._known:
            wanted = self._frames[depth].event.step.task
            for task in tasks:
                if task.number == wanted:
                    if self._doubt.coarse:
                        self._announced.append(task.upcoming)
                    return task
            self._differs(depth, f"thread {wanted} could go there before, and cannot now")
        self._tasks = tuple(tasks)
        if self._drowsy and self._points:
            self._wake(self._points[-1])
        able = {task.number: task for task in tasks}
        nodes = [node for node in self._nodes if node.event.step.task in able]
        if nodes:
            # Other picks come last: they are not known well enough to stand for anything else.
            node = next((node for node in nodes if node.event.other is None), nodes[0])
            nodes.remove(node)
            return self._go(able[node.event.step.task], node, nodes)
        if depth == self._known and self._frames:
            return None  # all that was to be tried here cannot go
        chosen = self._awake(tasks, last)
        return None if chosen is None else self._go(chosen, None, [])

    def _go(self, task: Task, node: Node | None, nodes: list[Node]) -> Task:
        self._points.append(Point(node, nodes))
        self._nodes = [] if node is None else node.children
        self._announced.append(task.upcoming)
        return task

    def _wake(self, point: Point) -> None:
        """Wake those that the step at the last point touched, of which not all is known yet.

        What a step that is not the last of its sequence touches is known. Another one touches no
        more than it announced that matters, unless it picked something or there are daemons, and
        may only have read.
        """
        node, step = point.node, self._announced[-1]
        if node is not None and not node.last:
            self._asleep = after(self._asleep, node.event.step)
            self._drowsy = after(self._drowsy, node.event.step)
        else:
            reads = tuple(touch._replace(how=READ) for touch in step.touches)
            unknown = point.counts or self._doubt.daemons
            self._asleep = [] if unknown else after(self._asleep, step)
            self._drowsy = after(self._drowsy, step._replace(touches=() if point.counts else reads))

    def _awake(self, tasks: Sequence[Task], last: int) -> Task | None:
        """A thread that does not sleep: the one that went last, or else the next one by number."""
        for asleep in (self._drowsy, self._asleep):
            numbers = {event.step.task for event in asleep}
            awake = [task for task in tasks if task.number not in numbers]
            if awake:
                self._streak += 1
                same = next((task for task in awake if task.number == last), None)
                if same is not None and self._streak <= PATIENCE and not gives_way(same):
                    return same
                self._streak = 1
                return next((task for task in awake if task.number > last), awake[0])
        return None

    def pick(self, count: int) -> int:
        level = self._level
        self._level = level + 1
        depth = self._depth - 1
        if depth < self._known:
            event = self._frames[depth].event
            if level >= len(event.counts) or event.counts[level] != count:
                self._differs(depth, f"one of {count} is picked there, and was not before")
            return event.step.picks[level]
        point = self._points[-1]
        point.counts.append(count)
        if point.node is None:
            return 0
        picks = point.node.event.step.picks
        return picks[level] if level < len(picks) and picks[level] < count else 0

    def end(self, run: Run) -> None:
        doubt = self._doubt
        if doubt.has_new_daemons(run):
            self._frames.clear()
            return
        run = doubt.seen(run, self._announced)
        self._extend(run.steps)
        if self._frames:
            self._turn(run)
        if doubt.arises(self._order.ranges, choices=self._choices):
            self._frames.clear()
            return
        failed = self._doubt.cut(run)
        if failed and self._frames:
            frame = self._frames[-1]
            frame.fatal.append(frame.event)
        self._leave(asleep=not failed)
        self._over = not self._frames

    def _extend(self, steps: Sequence[Step]) -> None:
        """Put the new part of the execution on the path."""
        frames = self._frames
        known = self._known
        for depth in range(known):
            if depth >= len(steps) or steps[depth] != frames[depth].event.step:
                self._differs(depth, "what is done there is not what was done before")
        for depth in range(known, len(steps)):
            point = self._points[depth - known]
            event = Event(steps[depth], tuple(point.counts))
            if depth == known and frames:
                frames[-1].event = event
                frames[-1].nodes = point.nodes
            else:
                asleep = after(frames[-1].asleep, frames[-1].event.step) if frames else []
                frames.append(Frame(event, asleep, point.nodes))
        if len(steps) == known and frames:
            frames.pop()  # nothing of what was to be tried at the last point could be done

    def _turn(self, run: Run) -> None:
        """Turn round each race, and pick anew."""
        frames = self._frames
        order = self._order
        failed = self._doubt.cut(run)
        order.rewind(self._known)
        for frame in frames[self._known :]:
            order.add(frame.event.step)
            self._choices = self._choices or bool(frame.event.counts)
        self._choices = self._choices or bool(run.missed)
        end = len(frames)
        for number in range(0 if self._choices else self._known, end):
            for race in order.races[number]:
                stop = end - failed if self._choices else number
                self._reverse(race, stop, frames[number].event)
        if failed:
            self._instead(run.waiting)
        elif run.outcome == "deadlock":
            for step in run.waiting:
                for race in order.blocked(step):
                    self._reverse(race, end, Event(step))
        for number, step in run.missed:
            self._reverse(number, end - failed, Event(step))
        if self._choices:
            self._pick_anew(end - failed)

    def _pick_anew(self, stop: int) -> None:
        """Have each pick made in each other way, after the steps before `stop` that can be."""
        keys: list[int] = []  # of all that happened before a step, and the step
        last: dict[int, int] = {}  # task -> the key of its last step
        for number, frame in enumerate(self._frames):
            event = frame.event
            before = last.get(event.step.task, 0)
            if event.counts:
                self._variants.note(before, event.step)
                for other in event.others(before):
                    guess = other._replace(step=self._doubt.guess(other.step))
                    self._reverse(number, stop, self._variants.known(guess))
            direct = frozenset([keys[step] for step in self._order.direct[number]])
            keys.append(hash((event.step, before, direct)) % MOST)
            last[event.step.task] = keys[-1]

    def _instead(self, waiting: Sequence[Step]) -> None:
        """Have what the others were about to do before the step that failed, the last.

        And what was to be done after it.
        """
        last = len(self._frames) - 1
        for way in ways(self._nodes):
            self._insist(self._frames[last], [node.event for node in way])
        could = {task.number for task in self._tasks}
        for step in waiting:
            if step.task in could:
                self._reverse(last, last, Event(step))
            else:
                for race in self._order.blocked(step):
                    self._reverse(race, last, Event(step))

    def _reverse(self, race: int, stop: int, event: Event) -> None:
        """Have `event` done before step `race`, after those before `stop` that can be, too."""
        frames = self._frames
        events = [frames[number].event for number in self._order.between(race, stop)]
        events.append(event)
        self._insist(frames[race], events)

    def _insist(self, frame: Frame, events: Sequence[Event]) -> None:
        """Have `events` done there, unless that can show nothing new."""
        if not covered(frame.asleep, events) and not frame.fails(events[0]):
            insert(frame.nodes, events)

    def _leave(self, *, asleep: bool) -> None:
        """Go up to where something is to be done.

        Args:
            asleep: whether the last step was explored, with all that can come after it.
        """
        frames = self._frames
        while frames:
            frame = frames[-1]
            if asleep:
                frame.asleep.append(frame.event)
                if self._choices:
                    frame.nodes = prune(frame.nodes, frame.event, frame.asleep, self._variants)
            asleep = True
            if frame.nodes:
                break
            frames.pop()

    def state(self) -> dict[str, Any]:
        return {
            "strategy": self.name,
            "over": self._over,
            "choices": self._choices,
            "path": [frame.state() for frame in self._frames],
            "variants": [[key[0], written(step)] for key, step in self._variants.seen.items()],
            "doubt": self._doubt.state(self._order.ranges),
        }

    def restore(self, state: dict[str, Any]) -> None:
        saved = Saved(state, self.name)
        over = saved.flag("over")
        choices = saved.flag("choices")
        frames = [read(saved, item) for item in saved.items("path", MOST_STEPS)]
        if frames and (over or not frames[-1].nodes):
            saved.refuse('nothing is left to do at the end of its "path"')
        doubt, order = Doubt(), Order()
        order.ranges = doubt.restore(saved.part(saved.any("doubt"), '"doubt"'))
        for frame in frames[:-1]:
            order.add(frame.event.step)
        variants = Variants()
        for item in saved.items("variants"):
            key, step = saved.parts(item, 'an item of "variants"', 2)
            key = saved.whole(key, 'a key in "variants"')
            variants.note(key, saved.step(step, 'a step in "variants"'))
        self._frames, self._order, self._over = frames, order, over
        self._choices, self._variants, self._doubt = choices, variants, doubt

    def _differs(self, depth: int, what: str) -> NoReturn:
        raise NondeterminismError(
            f"the program is not the same in every execution: at step {depth}, {what}; "
            "make it independent of time, random numbers, and the order of sets"
        )
