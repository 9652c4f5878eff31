"""What a captured function knows of one signature: of arguments of certain shapes, types and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from eagerflow.base.capturing import Shared
from eagerflow.capture.cuda.graphs import Graphs
from eagerflow.capture.dependence.guards import Guards
from eagerflow.capture.dependence.kept import Kept
from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.program import Program

__all__ = ["State", "forget"]

_ASIDE = 3  # programs that are kept beside the one that is replayed


class _Aside(NamedTuple):
    """A captured step whose conditions don't hold now, and may hold again."""

    program: Program
    guards: Guards
    graphs: Graphs | None
    kept: list[Kept]
    layers: list[Callable[[], Any]]
    containers: frozenset[int]


def forget(ask: Callable[[], Any], key: tuple[Any, ...], _: Any) -> None:
    """Let a captured function drop a signature, if it is still there: an object that the signature has is gone."""
    captured = ask()
    if captured is not None:
        captured._drop(key)


class State:
    """What is known of one signature.

    Attributes:
        program: the captured step, once two runs gave the same.
        aside: those of before, while only numbers, texts and flags differ from what they depend on.
        replays: of that program; `replayed`: of those before it.
        guards: what it depends on; of the last run, while two are compared.
        graphs: the program as CUDA graphs, on a GPU.
        containers: identities of lists and dicts that it reaches beside its arguments.
        looked: whether a run with NumPy arrays was looked at, and others may stand for them.
        why: why it runs eagerly, None while it may be captured.
        check_at: the replay that is an eager run instead, compared with the program; 0 for none.
        distance: replays from the comparison before to that one.
        disturbed: runs that didn't count, since others came in between.
        unsteady: of them, those in which what the step depends on was changed back, perhaps by the step itself.
    """

    __slots__ = (
        "again",
        "aside",
        "before",
        "check_at",
        "codes",
        "containers",
        "disturbed",
        "distance",
        "endings",
        "graphs",
        "guards",
        "inside",
        "kept",
        "layers",
        "looked",
        "looks",
        "objects",
        "outside",
        "program",
        "replayed",
        "replays",
        "shared",
        "tries",
        "unsteady",
        "why",
    )

    def __init__(self, objects: list[Callable[[], Any]]) -> None:
        self.objects = objects  # whose identities the signature has: it is forgotten when one of them goes
        self.program: Program | None = None
        self.aside: list[_Aside] = []
        self.before: Program | None = None  # of the last run, while two are compared
        self.guards: Guards | None = None
        self.graphs: Graphs | None = None
        self.codes = Codes()
        self.inside = Codes()  # of them, those that ran in what each replay calls again
        self.outside = Codes()  # of them, those that ran beside
        self.shared: dict[str, Shared] = {}  # by name, what the whole process shares, and they ask for
        self.kept: list[Kept] = []  # tensors that replays leave in layers
        self.layers: list[Callable[[], Any]] = []
        self.containers: frozenset[int] = frozenset()
        self.why: str | None = None
        self.looked = False
        self.replays = self.replayed = self.tries = self.again = self.endings = self.looks = 0
        self.check_at = self.distance = self.disturbed = self.unsteady = 0

    def follow(self) -> str | None:
        """Make the program whose conditions hold now the one to replay.

        Returns:
            What has changed, if there is none any more, and the step is to be captured again.
        """
        changed = None
        if self.program is not None and self.guards is not None:
            changed = self.guards.changed()
            if changed is None:
                return None
            self._put_aside()
        if self.aside and self._takes_back():  # all is as it was some calls ago
            return None
        if changed is not None:
            self.tries, self.again, self.replayed = 0, self.again + 1, self.replayed + self.replays
            self.replays = self.endings = 0  # what is new may have layers to build, as the first run may
        return changed

    def _put_aside(self) -> None:
        """The program's conditions don't hold any more. It is kept only where no object waits for it to be freed."""
        assert self.guards is not None
        self.aside = [each for each in self.aside if each.guards.may_hold_again()]
        if self.program is not None and self.guards.may_hold_again():
            now = _Aside(self.program, self.guards, self.graphs, self.kept, self.layers, self.containers)
            self.aside.insert(0, now)
        self.program = self.graphs = None

    def _takes_back(self) -> bool:
        """Whether one that was put aside may be replayed now; it is the program from now on."""
        found = next((each for each in self.aside if each.guards.changed() is None), None)
        if found is None:
            del self.aside[_ASIDE:]
            return False
        self.aside.remove(found)
        self.program, self.guards, self.graphs, self.kept, self.layers, self.containers = found
        return True

    def forget(self) -> None:
        """Drop all programs."""
        self.program = self.before = self.graphs = None
        self.aside = []
