"""`viz run SCRIPT`: run a script as it is, and record what it does."""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import pathlib
import shlex
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module

from viz.command.ranks import ranks_here
from viz.facts import formatting
from viz.facts.json_data import json_text
from viz.facts.lines.room import folded, room
from viz.facts.overview import is_empty, overview, why_empty
from viz.facts.selection import ended_by, outcome
from viz.facts.tables.summary import describe
from viz.recorder.all_ranks import AllRanks
from viz.recording import Recording
from viz.shell.commands import part
from viz.shell.output_files import check_picture, check_target, default_name
from viz.shell.program import Script
from viz.shell.script_runner import run_script
from viz.shell.statuses import DONE, INTERRUPTED, Impossible, told
from viz.shell.terminal import output_to_stderr, paint
from viz.tracer import Tracer, trace

__all__ = ["run_run"]

_MANY_OPS = 20_000  # more take a second and longer to write


def run_run(options: argparse.Namespace) -> int:
    """Run `viz run`."""
    script = Script.of(options)
    _refuse_others(options)
    if options.keep is not None:
        return int(part("run_kept")(options))  # loaded for it alone, as the page is
    if options.live:
        return int(import_module("viz.command.live").run_live(options))
    tracer: Tracer = trace(script.name, stats=options.stats, steps=options.steps, values=options.values)
    tracer._ending = functools.partial(_say_long, options)
    out = pathlib.Path(options.out or default_name(script, ".efz"))
    check_target(out)
    check_picture(options.draw)
    communicator = ranks_here()
    ranks = None if communicator is None else AllRanks(communicator)
    errors: list[BaseException] = []
    with output_to_stderr(options.json), _told_where_nothing_is_written(out):
        recording, failed = run_script(script, tracer, errors.append)
    printed = [ended_by(error) for error in errors]
    recording.notes += printed
    recording.meta["script"] = [*["-m"] * script.as_module, script.path]
    if ranks is not None and failed:  # on this one alone, perhaps: nothing that all ranks do can come now
        out = out.with_name(f"{out.stem}.rank-{ranks.communicator.rank}{out.suffix}")
    elif ranks is not None:
        record = ranks.together(recording)
        if record is None:
            return failed
        recording.fill(record)
    if is_empty(recording):
        return _say_empty(recording, out, failed, options, printed)
    replaced = out.exists()
    with _told_where_nothing_is_written(out):
        _save(recording, out)
    if options.draw and recording.ops:
        recording.draw(options.draw)
        print(f"wrote {options.draw}", file=sys.stderr)
    if options.json:
        print(json_text({"file": str(out), **overview(recording)}))
    else:
        _say_recorded(recording, out, replaced, printed, _answers(recording, failed, script))
    return failed


def _say_long(options: argparse.Namespace, count: int) -> None:
    """Say that many ops are written, which takes seconds, where the script's own last word is out already."""
    if count > _MANY_OPS:
        fewer = "" if options.steps is not None else "; --steps 0-9 records ten steps alone"
        print(f"viz run: the script has ended; writing about {formatting.short(count)} ops{fewer}", file=sys.stderr)


@contextlib.contextmanager
def _told_where_nothing_is_written(out: pathlib.Path) -> Iterator[None]:
    """Say so where Ctrl-C comes when the script has ended; one that comes before ends the script, and is recorded."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"\nviz run: ended before the recording was complete; {_kept(out)}", file=sys.stderr)
        raise


def _kept(out: pathlib.Path) -> str:
    """What there is where nothing was written."""
    return f"{out} is left as it was" if out.exists() else f"{out} was not written"


def _answers(recording: Recording, failed: int, script: Script) -> list[str]:
    """Commands that say why the script failed, or where the NaN that training reported began."""
    spoilt = any(not math.isfinite(value) for log in recording.logs for value in log.values.values())
    found = [script.rerun("doctor")] if failed and failed not in INTERRUPTED else []
    return [*found, *([script.rerun("nonfinite")] if spoilt else [])]


def _refuse_others(options: argparse.Namespace) -> None:
    """Refuse options that don't go with `--keep` or `--live`, and options of the page without it."""
    given = {"--steps": options.steps, "--values": options.values, "--draw": options.draw, "--json": options.json}
    why = "can't be combined with --live: run without --live to record a whole script"
    if options.keep is not None:
        given |= {"--stats": options.stats != "none", "--live": options.live}
        why = "can't be combined with --keep: viz replay FILE --trace records a kept step"
    elif not options.live:
        given = {"--port": options.port is not None, "--open": options.open is not None, "--exit": options.exit}
        why = "is for the page in the browser, and goes with --live"
    for name, value in given.items():
        if value:
            raise ValueError(f"{name} {why}")


def _save(recording: Recording, out: pathlib.Path) -> None:
    """Write it; where there is no room for it, to another place, and say so: it may be that of hours."""
    try:
        recording.save(out)
    except OSError as error:
        elsewhere = pathlib.Path(tempfile.mkdtemp(prefix="viz-")) / out.name
        try:
            recording.save(elsewhere)
        except OSError:
            elsewhere.parent.rmdir()
            raise error from None
        raise OSError(error.errno, f"{error.strerror}; it was written to {elsewhere} instead", str(out)) from error


def _say_empty(
    recording: Recording, out: pathlib.Path, failed: int, options: argparse.Namespace, printed: list[str]
) -> int:
    """Nothing is written then: a recording that is there already may be a good one."""
    if options.json:
        print(json_text({"file": None, **overview(recording)}))
    if not failed and {"-h", "--help"} & {*options.arguments}:
        return DONE  # the script was asked for its own help, which is there
    why = why_empty(recording)
    for note in printed:
        why = why.replace(note, note.partition(":")[0])
    status = told("viz run", Impossible(f"nothing was recorded, and {_kept(out)}: {why}"))
    return failed or status


def _say_recorded(
    recording: Recording, out: pathlib.Path, replaced: bool, printed: list[str], answers: list[str]
) -> None:
    """Say what there is now; what ended the script was printed by itself, and the first line names it, too."""
    lines, told = [describe(recording)], [*outcome(recording, []), *printed]
    lines += [f"{paint('note:', '33', sys.stderr)} {note}" for note in recording.notes if note not in told]
    instead = ", in place of the one that was there (viz run -o NAME keeps both)" if replaced else ""
    lines.append(f"wrote {paint(str(out), '1', sys.stderr)}{instead}")
    name = shlex.quote(str(out))
    measured = recording.meta.get("options", {}).get("stats", "none") != "none"
    gradients = f"; viz gradients {name}" if measured else ""
    following = [*answers, f"viz show {name}", f"viz html {name}", f"viz draw {name} step.svg", f"viz top {name}"]
    lines.append(f"next: {'; '.join(following)}{gradients}")
    print("\n".join([folded(line, room(sys.stderr)) for line in lines]), file=sys.stderr)
