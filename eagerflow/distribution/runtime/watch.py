"""A thread per rank that looks after the others: who is silent, who has ended too early, who waits for whom.

Every rank tells rank 0 what it does, a few times a second, on a channel of its own. Rank 0 judges; what it finds is
everybody's end, with the names of those that are missing, where they are, and where the others wait.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from eagerflow.distribution.runtime import faults
from eagerflow.distribution.runtime.agreement import ranks_named
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.faults import status

__all__ = ["Seen", "Verdict", "Watch", "judge", "watch"]

_TAG = 7
_SURE = 0.3  # seconds that somebody must have waited in vain before it counts
_UNCOUNTED = 8.0  # the same where it isn't certain that the other one is what is waited for
_clock = time.monotonic


class Seen(NamedTuple):
    """What rank 0 knows of a rank.

    Attributes:
        entered: how many collective calls it has begun.
        call: the last of them.
        waiting: what it waits for, in words; empty while it computes.
        waited: for how many seconds.
        place: the user's line.
        left: how it left what all do together: `{"what": "fit", "cause": ..., "where": ..., "number": 1}`.
        ended: whether its script has ended, and where.
        silent: for how many seconds nothing was heard of it.
    """

    entered: int = 0
    call: str = ""
    waiting: str = ""
    waited: float = 0.0
    place: str = ""
    left: dict[str, Any] | None = None
    ended: str = ""
    silent: float = 0.0


class Verdict(NamedTuple):
    """Why all end: the ranks that are the cause, what happened, where, and whether stacks tell more."""

    guilty: tuple[int, ...]
    kind: str
    cause: str
    where: str = ""
    stacks: bool = False


def judge(seen: Sequence[Seen], timeout: float, hosts: Sequence[str] = ()) -> Verdict | None:
    """What is wrong among ranks, if anything; the first of these.

    - a rank left `fit` by an exception, and others wait for it;
    - a rank's script has ended, and others wait for it;
    - ranks wait in different collective calls for each other;
    - nothing was heard of a rank for `timeout` seconds;
    - ranks have waited for `timeout` seconds for others that don't come.

    >>> judge([Seen(5, "barrier", "the barrier", 3.0), Seen(4, ended="train.py:57")], 600)[:3]
    ((1,), 'ended', 'ended its script while rank 0 waits in the barrier')
    """
    for rank, one in enumerate(seen):
        if one.left is None and not one.ended:
            continue
        others = [r for r, other in enumerate(seen) if r != rank and _waits_for(one, other)]
        others = [r for r, other in enumerate(seen) if r != rank and other.waiting] if others else []
        if others and one.left is not None:
            cause = f"{one.left['cause']} ended {one.left['what']} here while {_waiting(seen, others)}"
            return Verdict((rank,), "raised", cause, one.left["where"])
        if others:
            return Verdict((rank,), "ended", f"ended its script while {_waiting(seen, others)}", one.ended)
    late = _late(seen, timeout, hosts)
    # Somebody who is late and hasn't been heard of for a while isn't late.
    return _unlike(seen) or _silent(seen, timeout / 2 if late is not None else timeout) or late


def _waits_for(one: Seen, other: Seen) -> bool:
    """Whether `other` waits for `one`, which won't come."""
    if not other.waiting or other.left is not None or other.ended:
        return False
    return other.waited > (_SURE if other.entered > one.entered else _UNCOUNTED)


def _waiting(seen: Sequence[Seen], ranks: Sequence[int]) -> str:
    return f"{ranks_named(ranks)} wait{'s' if len(ranks) == 1 else ''} in {_the(seen[ranks[0]].waiting)}"


def _the(words: str) -> str:
    return words if words.startswith(("the ", "a ")) else f"the {words}"


def _unlike(seen: Sequence[Seen]) -> Verdict | None:
    """Ranks at the same number of collective calls must be in the same one."""
    waiting = [one for one in seen if one.waiting and one.waited > 2 * _SURE and one.left is None]
    calls = {one.call for one in waiting}
    if len(waiting) < len(seen) or len({one.entered for one in waiting}) > 1 or len(calls) == 1:
        return None
    first = next(rank for rank, one in enumerate(seen) if one.call != seen[0].call)
    return Verdict(
        (first,),
        "late",
        f"waits in {_the(seen[first].waiting)} while rank 0 waits in {_the(seen[0].waiting)} ({seen[0].place}): all "
        "ranks must do the same in the same order",
        seen[first].place,
        True,
    )


def _silent(seen: Sequence[Seen], timeout: float) -> Verdict | None:
    gone = tuple(rank for rank, one in enumerate(seen) if one.silent > timeout)
    if not gone:
        return None
    waiting = [rank for rank, one in enumerate(seen) if one.waiting and rank not in gone]
    cause = (
        f"nothing was heard for {max(seen[rank].silent for rank in gone):.0f} s: stopped, cut off from the network, or "
        "in a call that keeps Python's lock" + (f"; {_waiting(seen, waiting)}" if waiting else "")
    )
    return Verdict(gone, "silent", cause, seen[gone[0]].place, True)


def _late(seen: Sequence[Seen], timeout: float, hosts: Sequence[str]) -> Verdict | None:
    waiting = [rank for rank, one in enumerate(seen) if one.waiting and one.waited > timeout]
    if not waiting:
        return None
    most = max(seen[rank].entered for rank in waiting)
    missing = tuple(
        r for r, one in enumerate(seen) if not one.waiting or (one.waited <= timeout and one.entered < most)
    )
    if not missing:
        missing = tuple(r for r, one in enumerate(seen) if one.entered < most)
    for_what = _the(seen[waiting[0]].waiting)
    if not missing:
        return Verdict((waiting[0],), "late", f"all ranks have waited {timeout:.0f} s in {for_what}", stacks=True)
    cause = f"did not come to {for_what}, in which {ranks_named(waiting)} waited {timeout:.0f} s"
    others = [f"{ranks_named([r], hosts)} is at {seen[r].place}" for r in missing[1:4]]
    return Verdict(missing, "late", "; ".join([cause, *others]), seen[missing[0]].place, True)


def watch(communicator: Communicator) -> None:
    """Begin to look after the ranks of a communicator. Collective.

    Where MPI allows calls of one thread only, nobody watches: then only those who raise or die end the others.
    """
    if communicator.threads:
        Watch(communicator.duplicate()).begin()


class Watch(threading.Thread):
    """The thread. It lives until the process does.

    Args:
        communicator: ranks of MPI, duplicated for this thread alone.
    """

    def __init__(self, communicator: Communicator) -> None:
        super().__init__(name="eagerflow watch", daemon=True)
        made: Any = communicator
        self.handle, self.engine = made.handle, made.engine
        self.rank, self.size, self.hosts = made.rank, made.size, made.hosts
        self.processes = made.gather_objects(os.getpid())
        self.tick = min(0.1 * max(1.0, self.size / 32), 1.0)
        self.every = max(0.5, self.size / 500)
        self.heard = [_clock()] * self.size  # rank 0 hears all, the others rank 0
        self.seen = [Seen()] * self.size
        self.lefts, self.released = 0, 0
        self.over = threading.Event()
        self.farewell = False
        self._sent: list[Any] = []
        self._told, self._last, self._armed = 0.0, Seen(), 0.0
        self._place = ""
        self._reported, self._reported_at = ("", ""), 0.0

    def begin(self) -> None:
        """Start it, and let the end of the script wait for that of the others."""
        status.asked = self.asked
        atexit.register(self.wait_for_the_others)
        self.start()

    def run(self) -> None:
        """Tell, hear, judge."""
        while not self.over.is_set():
            self._arm()
            own = self._own()
            self._hear()
            if self.rank == 0:
                self.seen[0], self.heard[0] = own, _clock()
                self._judge()
            else:
                self._tell(own)
                if _clock() - self.heard[0] > status.timeout + 1:
                    said = f"nothing was heard for {status.timeout:.0f} s: stopped, or cut off from the network"
                    faults.fail("silent", said, subject=self._named([0]), guilty=0)
            time.sleep(self.tick)

    def _own(self) -> Seen:
        waiting, waited = status.waited
        return Seen(status.entered, status.call, waiting, waited, self._where(), status.left, self._ended())

    def _where(self) -> str:
        """The user's line of the thread that trains."""
        frames = sys._current_frames()
        training = [ident for ident in list(status.waits) or list(status.counts) if ident in frames]
        main = threading.main_thread().ident
        frame = frames.get(main if main in training or not training else training[0])  # type: ignore[arg-type]
        self._place = faults.place(frame) or self._place
        del frame, frames  # among them is this one: a circle, which would keep what all of them hold
        return self._place

    def _ended(self) -> str:
        """Where the script was last, once it and all threads that could still train are done."""
        if threading.main_thread().is_alive() and not self.farewell:
            return ""
        alive = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
        if any(t.ident in status.counts for t in alive):
            return ""
        return status.exited or self._last.place or "its end"

    def _tell(self, own: Seen) -> None:
        now = _clock()
        changed = (own.left, own.ended) != (self._last.left, self._last.ended)
        if changed or now - self._told > self.every or (own.waiting and own.waiting != self._last.waiting):
            self._told = now
            self._send(own, 0)
        self._report(own)
        if not own.ended:
            self._last = own

    def _report(self, own: Seen) -> None:
        """Tell the agent, so that it knows where a rank was that is killed."""
        now = _clock()
        if (own.place, own.waiting) != self._reported or now - self._reported_at > self.every:
            self._reported, self._reported_at = (own.place, own.waiting), now
            facts = {"waiting": own.waiting, "entered": own.entered, "timeout": status.timeout}
            faults.tell("status", place=own.place, **facts)

    def _send(self, value: Any, to: int) -> None:
        self._sent = [request for request in self._sent if not request.Test()]
        self._sent.append(self.handle.isend(value, to, _TAG))

    def _hear(self) -> None:
        while self.handle.iprobe(self.engine.ANY_SOURCE, _TAG):
            found = self.engine.Status()
            value = self.handle.recv(source=self.engine.ANY_SOURCE, tag=_TAG, status=found)
            self.heard[found.Get_source()] = _clock()
            if self.rank == 0:
                self.seen[found.Get_source()] = Seen(*value)
            else:
                self._obey(*value)

    def _obey(self, verdict: Verdict | None, released: int, over: bool) -> None:
        if verdict is not None:
            self._convicted(Verdict(*verdict))
        if released > self.released:
            self.released, status.left = released, None
        if over:
            self._end()

    def _end(self) -> None:
        """All ranks have ended their scripts."""
        faults.tell("over")
        self.over.set()

    def _judge(self) -> None:
        now = _clock()
        for rank in range(self.size):
            self.seen[rank] = self.seen[rank]._replace(silent=now - self.heard[rank])
        there = [one for one in self.seen if not one.ended]
        over = not there
        if there and all(one.left is not None and one.left["number"] == self.released + 1 for one in there):
            self.released += 1
            status.left, news = None, True
        else:
            news = over
        verdict = None if over or news else judge(self.seen, status.timeout, self.hosts)
        if verdict is not None or news or now - self._told > self.every:
            self._told = now
            for rank in range(1, self.size):
                self._send((verdict, self.released, over), rank)
        self._report(self.seen[0])
        if not self.seen[0].ended:
            self._last = self.seen[0]
        if verdict is not None:
            self._convicted(verdict)
        if over:
            self._flush()
            self._end()

    def _flush(self) -> None:
        deadline = _clock() + 1
        while self._sent and _clock() < deadline:
            self._sent = [request for request in self._sent if not request.Test()]
            time.sleep(0.005)

    def _convicted(self, verdict: Verdict) -> None:
        """Say what this rank knows; rank 0 then ends all."""
        left = status.left
        if self.rank in verdict.guilty and left is not None:
            sys.stderr.write(left["text"])
        if verdict.stacks:
            faulthandler.dump_traceback(file=sys.__stderr__ or 2, all_threads=True)
        if self.rank != 0:
            time.sleep(2.0)  # rank 0 speaks for all
            faults.fail("echo", "was told to end")
        self._flush()
        time.sleep(0.2)
        subject, guilty = self._named(verdict.guilty), verdict.guilty[0]
        faults.fail(verdict.kind, verdict.cause, verdict.where, subject=subject, guilty=guilty)

    def _named(self, guilty: Sequence[int]) -> str:
        if len(guilty) == 1:
            return f"rank {guilty[0]} of {self.size} (host {self.hosts[guilty[0]]}, pid {self.processes[guilty[0]]})"
        hosts = list(dict.fromkeys(self.hosts[rank] for rank in guilty))
        return f"{ranks_named(guilty)} of {self.size} (host{'s' * (len(hosts) > 1)} {', '.join(hosts[:6])})"

    def asked(self, left: dict[str, Any]) -> None:
        """Wait until it is known whether all ranks left by an exception, as this one did."""
        self.lefts += 1
        status.left = {**left, "number": self.lefts}
        while status.left is not None and not self.over.is_set():
            time.sleep(0.02)

    def wait_for_the_others(self) -> None:
        """At the end of the script ranks end together: those that wait for one which ended fail with a message."""
        self.farewell = True
        while self.is_alive() and not self.over.wait(0.05):
            pass
        if self.is_alive():
            self.join(2.0)
        faulthandler.cancel_dump_traceback_later()

    def _arm(self) -> None:
        """The stack of this rank is written should this thread not come back in time: a C thread sees to it."""
        now = _clock()
        if now - self._armed > min(status.timeout / 4, 30):
            self._armed = now
            with_error = sys.__stderr__
            if with_error is not None and status.timeout > 1:
                faulthandler.dump_traceback_later(status.timeout * 0.9, file=with_error)
