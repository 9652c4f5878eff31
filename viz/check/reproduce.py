"""Do two runs of a script compute the same? And if not, where do they part?"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from viz.check.journal import Event, Journal, read, write
from viz.check.row import Row, fault, fine, open_question
from viz.check.stopwatch import PATIENCE
from viz.doctor.facts.source_calls import unseeded_generators
from viz.doctor.user_code import Place
from viz.dry_run.stopped_script import run_watched
from viz.facts.json_data import json_text
from viz.shell.program import Script

__all__ = ["Comparison", "as_json", "check_repeatable", "compare", "reproduce", "run_noted"]

_SEED = "call ef.utils.set_random_seed(1), or that of keras.utils, at the top of the script"
_ELSEWHERE = (
    "the data differed already: numpy.random.default_rng() without a seed, the order of a set or of a "
    "folder's files, or the clock"
)


@dataclasses.dataclass
class Comparison:
    """What two runs had in common."""

    same: bool  # did both compute the same bits, as far as they were compared?
    steps: int  # how many training steps were compared
    events: int  # how many results were equal before the first difference
    message: str  # what was found, in plain words
    fix: str  # what to do about a difference
    seeded: list[str]  # which of the process-wide random states were equal when training began
    first: Event | None = None  # what the first run computed where they first differ, or None
    second: Event | None = None  # what the second run computed there, or None

    @property
    def place(self) -> Place | None:
        """The line where the runs part."""
        return None if self.first is None else self.first.place

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        parts = {
            name: None if e is None else e._asdict() for name, e in (("first", self.first), ("second", self.second))
        }
        return {
            **dataclasses.asdict(self),
            **parts,
            "file": self.place and self.place.file,
            "line": self.place and self.place.line,
        }


def compare(heads: Sequence[dict[str, Any]], runs: Sequence[list[Event]]) -> Comparison:
    """Compare two journals."""
    seeded = [name for name, value in heads[0]["seeds"].items() if heads[1]["seeds"].get(name) == value]
    steps = min(head["steps"] for head in heads)
    for i, (a, b) in enumerate(zip(*runs)):
        if a != b:
            return Comparison(False, steps, i, *_told(a, b, seeded), seeded, a, b)
    lengths = [len(run) for run in runs]
    if lengths[0] != lengths[1]:
        longer = runs[lengths.index(max(lengths))]
        event = longer[min(lengths)]
        words = f"one run goes on where the other ends, after {min(lengths):,} equal results: by {_named(event)}"
        return Comparison(False, steps, min(lengths), words, "look for what depends on time or on files", seeded, event)
    words = f"{lengths[0]:,} results of {steps} training step{'s' * (steps != 1)} are the same bits in both runs"
    return Comparison(True, steps, lengths[0], words, "", seeded)


def _told(a: Event, b: Event, seeded: list[str]) -> tuple[str, str]:
    """What differs first, and what to do."""
    when = "before training" if a.step == 0 and a.kind not in ("loss", "gradient", "data") else f"in step {a.step}"
    if (a.kind, a.name, a.file, a.line) != (b.kind, b.name, b.file, b.line):
        words = f"the runs do different things {when}: {_named(a)} in one, {_named(b)} in the other"
        return words, "look for a choice that depends on random numbers, the order of a set, time or files"
    words = f"the first difference, {when}, is {_what(a)}"  # its line follows
    if "eagerflow" not in seeded and a.kind in ("draw", "weights", "data"):
        return f"{words}; no seed was set for eagerflow's random numbers", _SEED
    if a.kind == "draw":
        return words, "pass the same seed to this draw in every run"
    lines = unseeded_generators(a.file) if a.file else []
    if lines and a.kind != "gradient":
        where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines[:4]))}"
        return f"{words}; a generator without a seed is made on {where}", "give it a seed: numpy.random.default_rng(1)"
    missing = [name for name in ("numpy", "python") if name not in seeded]
    if a.kind in ("data", "op") and missing:
        names = " and ".join([{"numpy": "numpy.random", "python": "Python's random"}[name] for name in missing])
        were = "were" if len(missing) > 1 else "was"
        return f"{words}; {names} {were} not seeded", f"{_SEED}; otherwise {_ELSEWHERE}"
    if a.kind in ("data", "op", "weights"):
        return words, _ELSEWHERE
    return words, "look at what this line computes from outside of eagerflow"


def _what(event: Event) -> str:
    return {
        "draw": f"the random numbers of {event.name!r}",
        "data": "the batch",
        "op": f"the result of {event.name!r}",
        "loss": "the loss",
        "gradient": f"the gradient of {event.name!r}",
        "weights": f"the weight {event.name!r}",
    }[event.kind]


def _named(event: Event) -> str:
    """What was computed, with its line."""
    return f"{_what(event)} at {os.path.basename(event.file)}:{event.line}" if event.file else _what(event)


def run_noted(script: Script, steps: int | None, path: str) -> int:
    """Run a script, to its end or for some training steps, and write its journal to a file; gives its exit status."""
    journal = Journal(steps)
    stopped = run_watched(script, [journal])
    write(journal, path, str(stopped) if stopped.status else "")
    return stopped.status


def _run_once(script: Script, steps: int | None, path: str, seconds: float | None = None) -> str | None:
    """The same in a process of its own, whose output is dropped; gives what went wrong, in words, or None."""
    options = ["--steps", str(steps or 0), "--journal", path, *["-m"] * script.as_module]
    # -P: a `viz.py` in the current folder isn't what is meant.
    command = [sys.executable, "-P", "-m", "viz", "reproduce", *options, script.path, *script.arguments]
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folders = [each for each in (root, os.environ.get("PYTHONPATH")) if each]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    given: dict[str, Any] = {"capture_output": True, "errors": "replace", "env": environment, "timeout": seconds}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **given)
    except subprocess.TimeoutExpired:
        return f"it took longer than {seconds:.0f} s"
    if done.returncode:
        if os.path.exists(path) and (failed := read(path)[0]["failed"]):
            return f"it {failed}"
        last = done.stderr.strip().splitlines()[-1:]  # it was killed, or left past Python
        return f"it ended with status {done.returncode}{f': {last[0][:200]}' if last else ''}"
    return None


def reproduce(script: Script, steps: int | None, seconds: float | None = None) -> Comparison | str:
    """Run a script twice, each time in a new process, and compare; gives in words why that can't be done."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("first", "second")]
        for path in paths:
            failed = _run_once(script, steps, path, seconds)
            if failed is not None:
                return failed
        (first, events), (second, others) = [read(path) for path in paths]
    if not events:
        return "no op of eagerflow ran; trainings by PyTorch are not compared"
    return compare([first, second], [events, others])


def check_repeatable(script: Script, seconds: float, took: float) -> Row:
    """✗ where a seed was set, and two runs of the first step differ all the same.

    What both runs may take, and what the script took to its first step, are seconds of computing, not by the clock.
    """
    if 2 * took > seconds:
        return open_question(f"two more runs would take {2 * took:.0f} s more; viz reproduce makes them")
    found = reproduce(script, 1, PATIENCE * max(seconds, 5.0))
    if isinstance(found, str):
        return open_question(f"the script was run once more, and {found}")
    evidence = {"events": found.events, "seeded": found.seeded}
    if found.same:
        words = f"{found.events:,} results up to the end of the first step are the same bits in two runs"
        return fine(words, **evidence)
    if "eagerflow" not in found.seeded:
        words = f"{found.message.partition(';')[0]}. {found.fix[:1].upper()}{found.fix[1:]}"
        return open_question(f"not everything is seeded: {words}", found.place, **evidence)
    return fault(found.message, found.fix, found.place, **evidence)


def as_json(found: Comparison | str) -> str:
    """For other programs."""
    data = {"same": None, "message": found} if isinstance(found, str) else found.to_dict()
    return json_text(data)
