"""What checks know of the program that is watched, and where they report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any

from eagerflow.core import observe
from viz.doctor import thresholds as limits
from viz.doctor.facts.variable_owners import Owners
from viz.doctor.finding import SEVERITIES, Finding, kinds_of
from viz.doctor.shared_advice import SHARED
from viz.doctor.trainings.together import together
from viz.doctor.trainings.training import Training
from viz.doctor.user_code import Place, call_place, made_at, op_place, user_line
from viz.frameworks.contract import Variable
from viz.frameworks.objects import is_tensor
from viz.recorder.names.shown_names import ShownNames
from viz.recorder.scopes import OpenScope, Scopes
from viz.recorder.step_tracker import StepTracker

__all__ = ["Origin", "Program", "WatchedScope", "layer_label"]

_MAX_PER_KIND = 5  # more findings of a kind help nobody


class WatchedScope(OpenScope):
    """A scope that is open, and what is known of it here."""

    __slots__ = ("at_begin", "frame")

    def __init__(self, scope: observe.Scope, frame: FrameType | None, at_begin: int) -> None:
        self.scope, self.kind, self.owner = scope, scope.kind, scope.owner  # made for every scope: without a call more
        self.frame = frame
        self.at_begin = at_begin  # nanoseconds that the doctor had used up when the scope began

    @property
    def training(self) -> bool | None:
        """The mode that the call was given; None where none was."""
        inputs = self.scope.inputs
        given = [x for x in inputs if x is True or x is False] if isinstance(inputs, tuple) else []
        return given[-1] if given else None


class Origin:
    """What is known of a tracked tensor: which op made it, in which layer, on which line of the user's code."""

    __slots__ = ("layer", "made_by", "op", "place")

    def __init__(self, op: str, made_by: str, layer: Any, place: Place | None) -> None:
        self.op, self.made_by, self.layer, self.place = op, made_by, layer, place


class Program:
    """Where a program is, what its tensors came from, and what was found in it.

    Args:
        found: called with each new finding, from the watched thread.
        ignored: kinds of findings that nobody wants to hear of.
    """

    advice: Mapping[str, str] = SHARED  # what to do about findings, by their rules
    has_tapes = True  # does the framework know gradients by tapes, which programs open?
    held: Callable[[Any], Any] = staticmethod(lambda x: x)  # what the program holds in place of an announced tensor
    words: Mapping[str, str] = {}  # in place of eagerflow's own

    def __init__(self, found: Callable[[Finding], None] | None = None, ignored: Iterable[str] = ()) -> None:
        self.training = Training()  # the one that runs, or ran last
        self.trainings = [self.training]
        self.script = Script(self)  # the program for checks of all trainings together
        self.total = self.step = 0  # how many training steps have ended, and those of the running training
        self.steps = StepTracker()  # counts all steps of the script, as recordings do
        self.heavy = True  # is this step looked at closely?
        self.scopes = Scopes[WatchedScope]()
        self.origins: dict[int, Origin] = {}  # where the tracked tensors of this step came from, by their keys
        self.spent = 0  # nanoseconds used up by the checks
        self.duration = self.now = 0  # how long the announced op took; when the announced scope ended
        self.step_ended = 0
        self.feed: Any = None  # what the batch of the running step came from, if it is the first one of that
        self.interrupted = False  # then it isn't known how training would have ended
        self.ended_late = False  # does a step end now because the gradients of the next one are there?
        self.unseen = 0  # steps of the running training that nobody watched, as of the last look
        self.counter: Callable[[], int] | None = None  # tells how many steps have ended, where not all are watched
        self._tell = found
        self._ignored = kinds_of(ignored)
        self.names = ShownNames()  # what layers are called in what is said of them

    # ------------------------------------------------------------------ findings

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, the worst first, causes before what they explain. May be read from any thread."""
        found = together(self.trainings.copy(), list(self.script.found.copy().values()))
        return tuple([replace(each, message=self.names.in_words(each.message)) for each in found])  # names of trainings

    def report(self, kind: str, severity: str, message: str, **about: Any) -> None:
        """Note a finding of the running training; an equal one is replaced by a worse one only.

        Args:
            kind: the kind; with `.` and a word behind it, the way in which it came about (see `Check.fixes`).
            severity: see `Finding`.
            message: see `Finding`.
            **about: `layer` (the object), `op`, `place`, `evidence`, and `key`, by which it can be retracted.
        """
        self.enter(self.training.found, kind, severity, message, **about)

    def enter(self, found: dict[Any, Finding], kind: str, severity: str, message: str, **about: Any) -> None:
        """The same among these findings, by their keys: equal ones are of the same kind and place."""
        rule, kind, fix = kind, kind.partition(".")[0], self.advice[kind]
        if kind in self._ignored or rule in self._ignored:
            return
        layer, place = about.get("layer"), about.get("place") or made_at(about.get("layer"))
        file, line = place or (None, None)
        name = layer if isinstance(layer, str) else layer_label(layer)
        said, evidence = self.names.in_words(message), about.get("evidence") or {}
        for own, word in self.words.items():
            said = said.replace(own, word)
        finding = Finding(kind, severity, said, fix, name, about.get("op"), file, line, evidence, rule)
        key = about.get("key") or (kind, name, file, line)
        known = found.get(key)
        if known is not None and SEVERITIES.index(known.severity) <= SEVERITIES.index(severity):
            return
        if known is None and sum(f.kind == kind for f in found.values()) >= _MAX_PER_KIND:
            return
        found[key] = finding
        if self._tell is not None:
            self._tell(finding)

    def take(self, findings: Iterable[Finding]) -> None:
        """Add what other ranks found, unless it was found here, too."""
        for finding in findings:
            known = [each for each in self.findings if each.kind == finding.kind]
            same = [each for each in known if (each.layer, each.file, each.line) == _place(finding)]
            if not same and len(known) < _MAX_PER_KIND:
                self.script.found["of ranks", *_place(finding), finding.message] = finding

    def found_together(self, findings: Iterable[Finding]) -> None:
        """These are the findings of all ranks."""
        self.script.found = dict(enumerate(findings))
        for training in self.trainings:
            training.found.clear()

    def amend(self, kind: str, words: str) -> None:
        """Add words to the newest finding of a kind, where there is one."""
        for key, finding in reversed(self.training.found.items()):
            if finding.kind == kind:
                self.training.found[key] = replace(finding, message=f"{finding.message}; {words}")
                return

    def retract(self, key: Any) -> None:
        """Take back a finding that turned out to be none."""
        self.training.found.pop(key, None)

    def keys(self, kind: str) -> list[Any]:
        """The second parts of keys, as given to `report`, under which there are findings of a kind."""
        return [key[1] for key, finding in self.training.found.items() if finding.kind == kind and len(key) == 2]

    def has(self, *kinds: str) -> bool:
        """Was anything of these kinds found in this training, worse than a hint?"""
        return any(f.kind in kinds and f.severity != "info" for f in self._now_found())

    def hints_alone(self) -> bool:
        """Was nothing found that is worse than a hint?"""
        return all(f.severity == "info" for f in self._now_found())

    def raw(self, *kinds: str) -> list[Finding]:
        """The findings of these kinds as they were reported."""
        return [f for f in self._now_found() if f.kind in kinds]

    def _now_found(self) -> list[Finding]:
        """What was found in the running training, and in the script as a whole."""
        return [*self.script.found.values(), *self.training.found.values()]

    @property
    def late(self) -> bool:
        """Are these no first steps of new weights, whose units haven't become choosy yet?"""
        return self.step >= limits.HEAVY_STEPS or self.training.known > 0

    def was_trained(self, variable: Variable) -> bool:
        """Has another training of the script asked for gradients of these weights? So they don't begin here."""
        return any(variable.identity in each.sources for each in self.trainings if each is not self.training)

    # ------------------------------------------------------------------ where the program is

    @property
    def number(self) -> int:
        """The training step that runs, counted from 1, with those that nobody watched."""
        return 1 + (self.step if self.counter is None else self.counter())

    @property
    def step_number(self) -> int:
        """What the running step is called in messages: counted from 0, in the whole script, as recordings count."""
        return self.steps.upcoming if self.counter is None else self.counter()

    def counted(self, steps: int) -> str:
        """So many steps, in words that don't hide that others ran unseen."""
        return f"{steps} {'watched ' if self.unseen else ''}step{'' if steps == 1 else 's'}"

    def in_all(self, steps: int) -> str:
        """The same, of something that was so in each of them."""
        return "in the only step" if steps == 1 and not self.unseen else f"in all {self.counted(steps)}"

    @property
    def owners(self) -> Owners:
        """The layers and models that were called in the running training."""
        return self.training.owners

    def layer(self) -> Any:
        """The innermost layer that is running."""
        opened = self.scopes.innermost("layer")
        return None if opened is None else opened.owner

    def inside(self, *kinds: str) -> bool:
        """Is a scope of one of these kinds open?"""
        return self.scopes.inside(*kinds)

    def trains(self) -> bool:
        """Does what runs belong to a training step of `fit`, or of `train_on_batch`?"""
        return any(opened.kind == "step" and opened.scope.name == "train_step" for opened in self.scopes)

    def outermost(self) -> bool:
        """Is the innermost scope a layer or model that was not called by another one?"""
        return sum(opened.kind in ("layer", "model") for opened in self.scopes) == 1

    def place(self) -> Place | None:
        """The line of the op or scope that is being announced."""
        return op_place(sys._getframe(1), self.scopes)

    def own_line(self) -> Place | None:
        """The user's line that calls the op being announced; None where a layer or a loss of eagerflow's calls it."""
        return user_line(sys._getframe(1), self.scopes[-1].frame if self.scopes else None, written=True)

    def called_at(self) -> Place | None:
        """The user's line outside of all layers: the call of `fit`, or of the model."""
        return call_place(sys._getframe(1), self.scopes)

    def innermost_user_line(self, opened: WatchedScope) -> Place | None:
        """The user's line that opened a scope, where it stands within a layer or model of the user's own."""
        around = [each.frame for each in self.scopes if each is not opened and each.kind in ("layer", "model")]
        return user_line(opened.frame, around[-1]) if around else None

    def origin(self, x: Any) -> Origin | None:
        """Where a tensor came from."""
        key = x.key if is_tensor(x) else None
        return None if key is None else self.origins.get(key)

    def made_by(self, x: Any) -> str:
        """The op that computed a tensor's values, seen through reshaping and the like; empty where not known."""
        found = self.origin(x)
        return "" if found is None else found.made_by


def layer_label(layer: Any) -> str | None:
    """The name of a layer, with those of the layers around it where it knows them."""
    return None if layer is None else getattr(layer, "path", None) or getattr(layer, "name", None)


def _place(finding: Finding) -> tuple[str | None, str | None, int | None]:
    return finding.layer, finding.file, finding.line


class Script:
    """A program whose findings belong to no training, and whose steps are counted through all of them.

    Args:
        program: the program, to which all else is left.
    """

    def __init__(self, program: Any) -> None:
        self._program = program
        self.found: dict[Any, Finding] = {}
        self.owners = Owners()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program, name)

    @property
    def number(self) -> int:
        """The step that runs, counted from 1 through all trainings."""
        program = self._program
        return 1 + int(program.total if program.counter is None else program.counter())

    def report(self, kind: str, severity: str, message: str, **about: Any) -> None:
        self._program.enter(self.found, kind, severity, message, **about)

    def retract(self, key: Any) -> None:
        self.found.pop(key, None)
