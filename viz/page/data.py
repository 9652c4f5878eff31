"""A recording as the compact data that the page's scripts read.

Objects are columns, since ten thousand ops then take a third of the bytes. Texts, shapes and frames are
written once and referred to by number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.blocks import TRANSPARENT
from viz.facts.columns import Pool
from viz.facts.container import VERSION
from viz.facts.derived_stats import came_in, first_flaw, origins
from viz.facts.digest.excerpt import MOST_OPS
from viz.facts.digest.reports import evaluated_together, goes_on, own_reports
from viz.facts.digest.shown_step import shown_position
from viz.facts.digest.time_spans import took_told
from viz.facts.digest.usual_times import UsualTime, usual_times
from viz.facts.flops import all_flops
from viz.facts.json_data import finite
from viz.facts.lines.assigned import GradientNames
from viz.facts.memory_use import spans
from viz.facts.schema import Composition, Frame, Logs, Op, Record, Scope, TensorInfo
from viz.facts.selection import origin, step_kinds, update_passes, variables_of
from viz.facts.text_files import lines_of
from viz.page.attention_maps import attention_maps
from viz.page.settings import is_writable, settings_text
from viz.page.smaller_record import cut
from viz.page.stats_column import stats_column
from viz.page.views import Views
from viz.picture.box_texts import main_scope, part_lines
from viz.picture.coloring import gradients, gradients_of, kinds_of_types
from viz.picture.outputs import array_of

__all__ = ["MOST_OPS", "data"]

_Reported = tuple[str, int, dict[str, float], int | None]  # kind, where on the axis, values, and when

_LONGEST_TEXT = 2_000
_MOST_LOGS = 2_000


_AROUND = 3
_MOST_LINES = 4_000
_LONGEST = 300


def data(
    record: Record,
    title: str | None = None,
    most_ops: int = MOST_OPS,
    usual: Mapping[int, UsualTime] | None = None,
    step: int | None = None,
) -> dict[str, Any]:
    """Everything that the page shows, as dicts, lists, numbers and texts.

    Args:
        record: a recording.
        title: what stands at the top; default: the recording's name, or that of the first model.
        most_ops: a longer recording is cut to the steps around the one that is shown; a note says so.
        usual: for ops by id, what they took in several steps, of which the page tells the median; default: in the steps
            of this recording.
        step: the number of the step that is shown first; default: the one that pictures show.

    Returns:
        Columns; the fields are those of `viz.facts.schema`, with texts, shapes and frames as numbers into `texts`,
        `shapes` and `frames`. It holds no NaN, so it is valid JSON.
    """
    part, first = cut(record, most_ops, step)
    reported = _in_a_row(evaluated_together(part))
    known = usual_times(record) if usual is None else usual
    columns, flaw = (
        _Columns(part, {op.id: known[op.id + first] for op in part.ops if op.id + first in known}),
        first_flaw(part),
    )
    found: dict[str, Any] = {
        "kind": "eagerflow page",
        "format": VERSION,
        "title": _cut_text(title or record.name or main_scope(part, part.ops) or "recording"),
        "meta": finite(part.meta),
        "took": took_told(record),
        "notes": [_cut_text(note) for note in part.notes],
        "total_ops": len((part.whole or part).ops),
        "first_op": first,
        "ops": columns.ops(part.ops),
        "names": columns.names(),
        "scopes": columns.scopes(part.scopes),
        "tensors": columns.tensors(part),
        "compositions": [columns.composition(each) for each in part.compositions],
        "steps": [[s.scope, s.start, s.end, s.number] for s in part.steps],
        "step": shown_position(part, step),
        "step_kinds": step_kinds(part),
        "views": columns.views.steps,
        "usual": {"steps": columns.steps_of_times.values, "times": columns.usual.values},
        "update_passes": [[ran.start, ran.stop] for ran in update_passes(part)],
        "origins": origins(part),
        "flaw": None if flaw is None else [flaw[0].id, flaw[1]],
        "came_in": came_in(part),
        "guilty": _guilty(part, first),
        "reads": [[op, read.how, columns.frame(read.line)] for op, reads in part.reads.items() for read in reads],
        "attention": attention_maps(part),
        "types": kinds_of_types(part),
        "measured": _measured(part),
        "same": _same_arrays(part),
        "variables": list(variables_of(part).items()),
        "memory": [[t.id, size, start, end] for t, size, start, end in spans(part)],
        "logs": [finite([kind, step, values]) for kind, step, values, _ in _thinned(reported)],
        "epochs": [[step, number] for number, step in enumerate([x for kind, x, *_ in reported if kind == "epoch"], 1)],
        "reported": _reported_at(part, reported),
    }
    found["excerpts"] = excerpts(columns.frames.values)
    found["frames"] = [[each.file, each.line, each.function, each.code] for each in columns.frames.values]
    found["places"] = [formatting.place(frame) for frame in columns.frames.values]
    found["texts"], found["shapes"] = columns.texts.values, [list(s) for s in columns.shapes.values]
    return found


def _measured(part: Record) -> tuple[int, int]:
    """Of how many tensors there are basic statistics, and of how many full ones."""
    stats = [tensor.stats for tensor in part.tensors if tensor.stats is not None]
    full = sum([bool(each.histogram or each.preview) for each in stats])
    return len(stats) - full, full


def _same_arrays(part: Record) -> list[tuple[int, int]]:
    """Pairs: a gradient, and the earlier one of the same op that is the same array."""
    found = []
    for op in part.ops:
        if op.phase == "backward" and _share_memory(part, op.outputs):
            first: dict[tuple[bool, int], int] = {}
            found += [
                (made, same) for made in op.outputs if (same := first.setdefault(array_of(part, made), made)) != made
            ]
    return found


def _share_memory(part: Record, tensors: Sequence[int]) -> bool:
    """May several of some tensors be one array?"""
    if len(tensors) < 2:
        return False
    places = [place for i in tensors if (place := part.tensors[i].storage) is not None]
    return len({*places}) < len(places)


def _guilty(part: Record, first: int) -> list[tuple[int, int]]:
    """Pairs: a fused op that made NaN or infinity, and the number of the part that did."""
    known = part.meta.get("nonfinite_parts")
    if not isinstance(known, dict):
        return []
    found = [(op.id, known.get(str(op.id + first))) for op in part.ops if op.composition is not None]
    return [(op, number) for op, number in found if isinstance(number, int)]


def _in_a_row(logs: Sequence[Logs]) -> list[_Reported]:
    """Where on an axis that goes on from epoch to epoch numbers were reported: after how many batches.

    Where nothing was trained, the batches of what was evaluated are counted, and where there are none at all, epochs.
    Beside batches of training an evaluation is one point: what it came to. Steps of a loop of one's own keep their
    numbers, which the slider has, too, unless these begin anew.
    """
    kinds = {log.kind for log in logs}
    counted = kinds & {"batch", "step"} or next(({kind} for kind in ("evaluation", "epoch") if kind in kinds), set())
    numbers = [log.step for log in logs if log.kind == "step"]
    numbered = counted == {"step"} and all(map(operator.lt, numbers, numbers[1:]))
    found, done = [], 0
    for log, following in zip(logs, [*logs[1:], None]):
        if log.kind in counted:
            done = log.step if numbered else done + 1
        if log.kind != "evaluation" or "evaluation" in counted or not goes_on(log, following):
            found.append((log.kind, done, log.values, log.time))
    return found


def _reported_at(part: Record, reported: Sequence[_Reported]) -> list[int | None]:
    """For each step, where on the axis its losses are: what training reported before the next one began."""
    told = [(time, x) for kind, x, _, time in reported if kind in ("batch", "step") and time is not None]
    own = own_reports(part, [time for time, _ in told])
    return [None if at is None else told[at][1] for at in own]


def _thinned(logs: Sequence[_Reported]) -> list[_Reported]:
    """As many as a chart can show: of very many every n-th, and the last."""
    found: list[_Reported] = []
    for kind in ("batch", "step", "epoch", "evaluation"):
        of_kind = [log for log in logs if log[0] == kind]
        every = -(-len(of_kind) // _MOST_LOGS) or 1
        found += of_kind[:-1:every] + of_kind[-1:]
    return found


def _cut_text(text: str) -> str:
    """Long texts are cut; broken surrogates, which no file can hold, are replaced."""
    return formatting.clean(text, _LONGEST_TEXT) if len(text) > _LONGEST_TEXT or not is_writable(text) else text


class _Columns:
    def __init__(self, record: Record, usual: Mapping[int, UsualTime]) -> None:
        self.record, self._usual = record, usual
        self.usual, self.steps_of_times = Pool(), Pool()
        self.texts, self.shapes, self.frames = Pool([""]), Pool(), Pool()
        self._known: dict[str | None, int] = {}
        # By identity: calls of a layer share their settings, and ops their frames; the record keeps all of them.
        self._settings: dict[int, int] = {}
        self._frames: dict[int, int] = {}
        self.flops = all_flops(record, record.ops)
        self.views = Views(record, self.flops, self.text, usual.keys())
        self.measured = any(tensor.stats for tensor in record.tensors)

    def text(self, text: str | None) -> int:
        """A text's number."""
        number = self._known.get(text)
        if number is None:
            number = self._known[text] = self.texts.number(_cut_text(text or ""))
        return number

    def _texts(self, texts: Iterable[str | None]) -> list[int]:
        known, text = self._known, self.text
        return [known[each] if each in known else text(each) for each in texts]

    def _texts_of(self, names: Sequence[str], said: Callable[[str], str]) -> list[int]:
        """The numbers of texts that are made of names, each name once."""
        known = {name: self.text(said(name)) for name in dict.fromkeys(names)}
        return [known[name] for name in names]

    @staticmethod
    def _lists_of(given: Sequence[Any], numbers: Callable[[Any], list[Any]]) -> list[list[Any]]:
        """The numbers of texts or frames in tuples; of those that many ops share once."""
        known: dict[int, list[Any]] = {}
        for each in given:
            if id(each) not in known:
                known[id(each)] = numbers(each)
        return [known[id(each)] for each in given]

    def _json(self, value: dict[str, Any]) -> int:
        """Settings as JSON text, most of which are equal; 0 for none."""
        if not value:
            return 0
        number = self._settings.get(id(value))
        if number is None:
            number = self._settings[id(value)] = self.texts.number(settings_text(value))
        return number

    def frame(self, frame: Frame | None) -> int | None:
        if frame is None:
            return None
        number = self._frames.get(id(frame))
        if number is None:
            plain = Frame(_cut_text(frame.file), frame.line, _cut_text(frame.function), _cut_text(frame.code))
            number = self._frames[id(frame)] = self.frames.number(plain)
        return number

    def _stack(self, stack: Sequence[Frame]) -> list[int | None]:
        return [self.frame(frame) for frame in stack]

    def ops(self, ops: Sequence[Op]) -> dict[str, Any]:
        return {
            "name": self._texts_of([op.name for op in ops], lambda name: formatting.clean(name, 40)),
            "phase": self._texts([op.phase for op in ops]),
            "scope": [op.scope for op in ops],
            "step": [op.step for op in ops],
            "inputs": [op.inputs for op in ops],
            "input_names": self._lists_of([op.input_names for op in ops], self._texts),
            "outputs": [op.outputs for op in ops],
            "settings": [self._json(op.settings) for op in ops],
            "stack": self._lists_of([op.stack for op in ops], self._stack),
            "start": [op.start for op in ops],
            "end": [op.end for op in ops],
            "usual": self._usual_times(ops),
            "forward": [op.forward for op in ops],
            "error": self._texts([op.error for op in ops]),
            "thread": [op.thread for op in ops],
            "replayed": [int(op.replayed) for op in ops],
            "flops": self.flops,
            "made": self.views.facts.sizes,
            "flows": self.views.flows,
            "composition": [op.composition for op in ops],
            "home": [origin(self.record, op).scope for op in ops],
            "gradients": self._gradients() if self.measured else None,
        }

    def _usual_times(self, ops: Sequence[Op]) -> list[int | None] | None:
        """For each op the number of what it took in several steps: the number of their list, the median, the times."""
        if not self._usual:
            return None
        rows = dict[int, int]()  # by identity: the same op of all steps shares it
        for usual in self._usual.values():
            if id(usual) not in rows:
                steps = self.steps_of_times.number(usual.steps)
                rows[id(usual)] = self.usual.number((steps, usual.median, *usual.times))
        return [rows[id(self._usual[op.id])] if op.id in self._usual else None for op in ops]

    def composition(self, found: Composition) -> dict[str, Any]:
        """What a fused op is made of; parts refer to its tensors: first what it reads, then what parts make."""
        tensors = [TensorInfo(-1, shape, dtype, 0) for shape, dtype in zip(found.shapes, found.dtypes)]
        return {
            "tensors": [self.text(formatting.tensor(tensor)) for tensor in tensors],
            "results": found.results,
            "parts": [
                {
                    "name": self.text(formatting.clean(part.name, 40)),
                    "inputs": part.inputs,
                    "input_names": [self.text(name) for name in part.input_names],
                    "outputs": part.outputs,
                    "lines": [self.text(line) for line in part_lines([tensors[i] for i in part.outputs])],
                    "settings": self._json(part.settings),
                }
                for part in found.parts
            ],
        }

    def _gradients(self) -> list[list[int]]:
        """For each op the gradients that colour it."""
        record, of_steps = self.record, dict[int | None, list[Op]]()
        for op in record.ops:
            of_steps.setdefault(op.step, []).append(op)
        variables = variables_of(record)
        of = {step: gradients(record, ops, variables) for step, ops in of_steps.items()}
        return [[tensor.id for tensor in gradients_of(record, op, of[op.step])] for op in record.ops]

    def scopes(self, scopes: Sequence[Scope]) -> dict[str, list[Any]]:
        return {
            "kind": self._texts([s.kind for s in scopes]),
            "name": self._texts([s.name for s in scopes]),
            "shown": self._texts([s.shown for s in scopes]),
            "label": [0 if s.kind in TRANSPARENT else self.text(self._label(s)) for s in scopes],
            "parent": [s.parent for s in scopes],
            "owner": [s.owner for s in scopes],
            "call": [s.call for s in scopes],
            "cls": [self.text("" if s.cls in formatting.AROUND_FUNCTIONS else s.cls) for s in scopes],
            "config": [self._json(s.config) for s in scopes],
            "params": [s.params for s in scopes],
            "created_at": [self.frame(s.created_at) for s in scopes],
            "stack": [self._stack(s.stack) for s in scopes],
            "start": [s.start for s in scopes],
            "end": [s.end for s in scopes],
            "inputs": [s.inputs for s in scopes],
            "outputs": [s.outputs for s in scopes],
            "error": [self.text(s.error) for s in scopes],
        }

    def _label(self, scope: Scope) -> str:
        """What a call of a layer is called in paths: as its box."""
        before = self.views.calls[scope.id]
        return formatting.clean(scope.shown, 40) + (f" (call {before + 1})" if before else "")

    def names(self) -> dict[str, list[tuple[int, int]]]:
        """Pairs of an op and a text, for each thing that is told of some ops: see `OpNames`."""
        names = self.views.names
        told = {"titles": names.titles, "parts": names.parts, "passes": names.passes}
        return {what: [(op, self.text(text)) for op, text in of.items()] for what, of in told.items()}

    def tensors(self, record: Record) -> dict[str, Any]:
        tensors = record.tensors
        return {
            "shape": [self.shapes.number(t.shape) for t in tensors],
            "dtype": self._texts([t.dtype for t in tensors]),
            "label": self._texts([formatting.tensor(t) for t in tensors]),
            "nbytes": [t.nbytes for t in tensors],
            "role": self._texts([t.role for t in tensors]),
            "name": self._texts(_names(record)),
            "producer": [t.producer for t in tensors],
            "gradient_of": [t.gradient_of for t in tensors],
            "device": self._texts([t.device for t in tensors]),
            "version": [t.version for t in tensors],
            "stats": stats_column(tensors) if self.measured else None,
        }


def _names(record: Record) -> list[str]:
    """What tensors are called: gradients have names where the forward pass reads them, as a gradient penalty does."""
    called, gradients = record.called, GradientNames(record)
    names = [record.shown(t.id) if t.name or t.id in called else "" for t in record.tensors]  # most have none
    for op in record.ops:
        for tensor in op.inputs if op.phase == "forward" else ():
            producer = record.tensors[tensor].producer
            if producer is not None and record.ops[producer].phase == "backward":
                names[tensor] = names[tensor] or gradients.of(tensor)
    return names


def excerpts(frames: Sequence[Frame]) -> dict[str, dict[str, str]]:
    """For each file, the texts of lines by number: three before and after each frame's line.

    A file is only quoted where its line still is what was recorded. So a changed file isn't shown as if it had
    run, and a recording from elsewhere can't bring other files of this machine into a page, see `lines_of`.
    """
    found: dict[str, dict[str, str]] = {}
    texts: dict[str, list[str]] = {}
    count = 0
    for frame in frames:
        if count > _MOST_LINES or not frame.code:
            continue
        if frame.file not in texts:
            texts[frame.file] = lines_of(frame.file)
        there = texts[frame.file]
        if "".join(there[frame.line - 1 : frame.line]).strip()[:500] != frame.code:
            continue
        lines = found.setdefault(frame.file, {})
        for number in range(max(1, frame.line - _AROUND), min(frame.line + _AROUND, len(there)) + 1):
            if str(number) not in lines:
                whole = there[number - 1].rstrip()
                lines[str(number)] = (whole if len(whole) <= _LONGEST else whole[:_LONGEST] + "…").expandtabs(4)
                count += 1
    return found
