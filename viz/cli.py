"""The command line: `python -m viz`, also installed as `viz`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from viz.command.annotate import add_command as add_annotate
from viz.command.check import add_command as add_check
from viz.command.data import add_command as add_data
from viz.command.diff import add_command as add_diff
from viz.command.doctor import add_command as add_doctor
from viz.command.estimate import add_command as add_estimate
from viz.command.gap import add_command as add_gap
from viz.command.html import add_command as add_html
from viz.command.keep import MAX_OPS, add_keep_options, run_kept
from viz.command.live import add_options, run_live
from viz.command.models import add_file, opened
from viz.command.nonfinite import add_command as add_nonfinite
from viz.command.output_files import check_picture, check_target
from viz.command.ranks import own_file, ranks_here
from viz.command.replay import add_command as add_replay
from viz.command.reproduce import add_command as add_reproduce
from viz.command.script_runner import run_script
from viz.command.terminal import output_to_stderr, paint
from viz.facts import summary_tables
from viz.facts.archive import TraceFileError
from viz.facts.formatting import nearest
from viz.facts.json_data import finite
from viz.facts.ranks import uses
from viz.picture.coloring import COLORINGS
from viz.picture.graph_builder import VIEWS
from viz.picture.palette import THEMES
from viz.picture.render import FORMATS, RendererMissing
from viz.recorder.all_ranks import AllRanks
from viz.recorder.tensor_stats import LEVELS
from viz.recording import Recording
from viz.tracer import Tracer, trace

__all__ = ["main"]

_ABOUT = """\
See what an eagerflow program really ran: record it once, then draw, measure and compare.

  viz run train.py                      record a script as it is; writes train.efz
  viz show train.efz                    what is inside
  viz html train.efz                    the interactive page: open train.html
  viz draw train.efz step.svg           a picture (.svg, .png, .pdf, .dot)
  viz top train.efz                     what costs most
  viz annotate train.efz                your source, with what each line costs
  viz nonfinite train.py                where NaN begins
  viz html model.onnx                   the same of a model in an ONNX file, run once: open model.trace.html
  viz check train.py                    before a training: is it set up so that it can learn?
  viz estimate --limit 8GB train.py     its memory and time, and the largest batch that fits
  viz reproduce train.py                do two runs compute the same?
  viz doctor train.py                   what is wrong with the training, and what to do
  viz gap train.py                      why fit and evaluate disagree
  viz data train.py                     the samples, the hardest first; labels that are likely wrong
  viz diff before.efz after.efz         what changed
  viz run --live train.py               a page to watch while it trains
  viz run --keep 3 train.py             the last steps, when one goes wrong; then viz replay train.efr"""
_RUN = """\
Run a script as `python` would, and record what eagerflow does in it.

  viz run train.py --epochs 3           arguments after the script are the script's
  viz run --steps 1,10 train.py         only the second and the eleventh training step
  viz run --stats full -o a.efz train.py
  viz run -m package.module             a module instead of a file
  viz run --live train.py               watch training on a page of this machine
  viz run --keep 3 train.py             hold the last three steps, and write them when one goes wrong

When the script fails, everything up to there is still written, with the op that failed. Several ranks:

  python -m eagerflow launch -n 2 -m viz run train.py     one file with all ranks, on one clock"""
_DRAW = """\
Draw one training step (the last one, or --step n), layers as frames.

  viz draw train.efz step.svg
  viz draw train.efz step.png --color-by time --theme dark
  viz draw train.efz nan.svg --color-by nonfinite     where NaN came from (recorded with --stats basic)
  viz draw train.efz layers.pdf --view layers --depth 2"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: instead of those of the process.

    Returns:
        0 when all went well, 1 when not. Arguments that can't be understood end the process with 2.
    """
    options = _parser().parse_args(arguments)
    try:
        status = int(options.command(options) or 0)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # as in `viz top a.efz | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (TraceFileError, RendererMissing, ValueError, ImportError, OSError) as error:
        print(f"{paint('error:', '1;31', sys.stderr)} {error}", file=sys.stderr)
        return 1


# ---------------------------------------------------------------------- what can be asked


class _Parser(argparse.ArgumentParser):
    """Shows examples as they are written, and suggests what may have been meant."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        if wrong is not None:
            message += nearest(wrong[1], [each.strip(" '") for each in wrong[2].split(",")])
        super().error(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="viz",
        description=_ABOUT,
        epilog="`viz <command> --help` shows examples. Colours are off where NO_COLOR is set or output is no terminal.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="<command>")
    _add_run(commands)
    add_check(commands)
    add_estimate(commands)
    add_reproduce(commands)
    add_doctor(commands)
    add_nonfinite(commands)
    add_gap(commands)
    add_data(commands)
    add_annotate(commands)
    add_diff(commands)
    add_replay(commands)
    _add_draw(commands)
    add_html(commands)
    for name, help_, command in _SIMPLE:
        added = _add(commands, name, help_, command)
        if name in ("summary", "gradients"):
            added.add_argument("--step", type=int, help="which training step, from 0 (default: the last complete one)")
        if name == "top":
            by = "single ops by time, memory or flops; or time summed by name, layer or source (default: time)"
            added.add_argument("--by", choices=summary_tables.KEYS, default="time", help=by)
            added.add_argument("-n", type=int, default=10, help="how many lines (default: 10)")
        if name == "gradients":
            added.add_argument("--svg", help="also write a chart to this file")
    for name, help_, command, metavar in _WRITERS:
        added = _add(commands, name, help_, command)
        added.add_argument("out", metavar=metavar, help="where to write")
    return parser


def _add(commands: Any, name: str, help_: str, command: Callable[..., Any], about: str = "") -> Any:
    added = commands.add_parser(name, help=help_, description=about or f"{help_[0].upper()}{help_[1:]}.")
    if name != "run":
        add_file(added)
    added.add_argument("--json", action="store_true", help="print JSON for other programs")
    added.set_defaults(command=command)
    return added


def _add_run(commands: Any) -> None:
    added = _add(commands, "run", "run a script and record it", _run, _RUN)
    added.add_argument("-o", "--out", metavar="FILE.efz", help="where to write (default: named like the script)")
    added.add_argument("-m", dest="module", action="store_true", help="the script is the name of a module")
    added.add_argument("--name", help="a title for pictures and tables")
    added.add_argument("--stats", choices=LEVELS, default="none", help="measure tensors (default: none)")
    added.add_argument("--steps", type=_steps, metavar="N[,N...]", help="only these training steps, from 0")
    added.add_argument("--values", metavar="REGEX", help="keep the values of tensors whose label matches")
    added.add_argument("--max-ops", type=int, default=MAX_OPS, metavar="N", help="stop recording after so many ops")
    added.add_argument("--draw", metavar="FILE.svg", help="also draw the last step")
    add_options(added)
    add_keep_options(added)
    added.add_argument("script", help="a Python file, or with -m a module")
    added.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")


def _add_draw(commands: Any) -> None:
    added = _add(commands, "draw", "draw a picture", _draw, _DRAW)
    added.add_argument("out", metavar="out." + "|".join(FORMATS), help="where to write; the ending is the format")
    added.add_argument("--view", choices=VIEWS, default="both", help="which passes (default: both)")
    added.add_argument("--depth", type=int, metavar="N", help="how many levels of layers are open")
    added.add_argument("--color-by", choices=COLORINGS, default="op", help="what colours mean (default: op)")
    added.add_argument("--theme", choices=tuple(THEMES), default="light", help="light or dark (default: light)")
    added.add_argument("--rankdir", choices=("TB", "BT", "LR", "RL"), default="TB", help="direction (default: TB)")
    added.add_argument(
        "--max-nodes", type=int, default=100, metavar="N", help="rows before layers close (default: 100)"
    )
    added.add_argument("--dpi", type=int, default=96, help="dots per inch of PNG (default: 96)")
    added.add_argument("--step", type=int, metavar="N", help="which training step, from 0")
    added.add_argument("--parts", action="store_true", help="open fused ops into the ops that they are made of")
    added.add_argument("--all-repeats", action="store_true", help="draw equal blocks one by one, not once with ×N")


def _steps(given: str) -> list[int]:
    try:
        return [int(part) for part in given.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r} is no list of step numbers such as 1,10") from None


# ---------------------------------------------------------------------- the commands


def _run(options: argparse.Namespace) -> int:
    if options.keep is not None:
        return run_kept(options)
    if options.live:
        return run_live(options)
    tracer: Tracer = trace(
        options.name or pathlib.Path(options.script).stem,
        stats=options.stats,
        steps=options.steps,
        values=options.values,
        max_ops=options.max_ops,
    )
    out = pathlib.Path(options.out or f"{pathlib.Path(options.script).stem}.efz")
    check_target(out)
    check_picture(options.draw)
    communicator = ranks_here()
    ranks = None if communicator is None else AllRanks(communicator)
    errors: list[BaseException] = []
    with output_to_stderr() if options.json else contextlib.nullcontext():
        recording, failed = run_script(options.script, options.arguments, options.module, tracer, errors.append)
    recording.notes += [f"ended by {type(error).__name__}: {error}"[:500] for error in errors]
    if ranks is not None and failed:  # on this one alone, perhaps: nothing that all ranks do can come now
        out = own_file(out, ranks.communicator.rank)
    elif ranks is not None:
        record = ranks.together(recording)
        if record is None:
            return failed
        recording.fill(record)
    recording.save(out)
    if options.draw and recording.ops:
        recording.draw(options.draw)
    if options.json:
        _print_json({"file": str(out), **_facts(recording)})
    else:
        _say_recorded(recording, out)
    return failed


def _say_recorded(recording: Recording, out: pathlib.Path) -> None:
    lines = [summary_tables.describe(recording)]
    lines += [f"{paint('note:', '33', sys.stderr)} {note}" for note in recording.notes]
    lines.append(f"wrote {paint(str(out), '1', sys.stderr)}")
    if recording.ops:
        lines.append(f"next: viz show {out}; viz html {out}; viz draw {out} step.svg; viz top {out}")
    else:
        lines.append("no ops of eagerflow ran in the recorded part")
    print("\n".join(lines), file=sys.stderr)


def _show(options: argparse.Namespace) -> None:
    recording = opened(options)
    facts = _facts(recording)
    if options.json:
        _print_json(facts)
        return
    print(paint(summary_tables.describe(recording), "1"))
    phases = "  ".join([f"{name} {count:,}" for name, count in facts["phases"].items()])
    print(f"ops: {phases}")
    if recording.others:
        _print_table(recording.ranks())
    print(f"made with Python {facts['python']}, {facts['began']}")
    for note in recording.notes:
        print(f"{paint('note:', '33')} {note}")
    for op in facts["failed"]:
        print(f"{paint('failed:', '31')} {op['op']} in {op['layer'] or 'no layer'} at {op['source']}: {op['error']}")


def _facts(recording: Recording) -> dict[str, Any]:
    phases: dict[str, int] = {}
    for op in recording.ops:
        phases[op.phase] = phases.get(op.phase, 0) + 1
    failed = [
        {"op": op.name, "layer": recording.path(op.scope), "source": str(op.source or ""), "error": op.error}
        for op in recording.ops
        if op.error
    ]
    return {
        "name": recording.name,
        "ops": len(recording.ops),
        "tensors": len(recording.tensors),
        "steps": len(recording.steps),
        "phases": phases,
        "failed": failed,
        "notes": list(recording.notes),
        "python": recording.meta.get("python", ""),
        "began": recording.meta.get("began", ""),
        "ranks": [dataclasses.asdict(use) for use in uses(recording)] if recording.others else [],
    }


def _draw(options: argparse.Namespace) -> None:
    drawing = opened(options).draw(
        options.out,
        view=options.view,
        depth=options.depth,
        color_by=options.color_by,
        rankdir=options.rankdir,
        collapse_repeats=not options.all_repeats,
        max_nodes=options.max_nodes,
        dpi=options.dpi,
        step=options.step,
        theme=options.theme,
        parts=options.parts,
    )
    facts = {"file": options.out, "boxes": len(drawing.graph.nodes), "arrows": len(drawing.graph.edges)}
    _say(options, facts, f"wrote {options.out}: {facts['boxes']} boxes, {facts['arrows']} arrows")


def _summary(options: argparse.Namespace) -> None:
    recording = opened(options)
    if options.json:
        rows = [
            dataclasses.asdict(row) | {"calls": len(row.calls)} for row in summary_tables.rows(recording, options.step)
        ]
        _print_json(rows)
    else:
        _print_table(recording.summary(options.step))


def _top(options: argparse.Namespace) -> None:
    recording = opened(options)
    if options.json:
        _print_json(summary_tables.top_rows(recording, options.by, options.n))
    else:
        if recording.others:
            _print_table(f"{recording.ranks()}\n\nrank 0 (others: --rank N)")
        _print_table(recording.top(options.by, options.n))


def _memory(options: argparse.Namespace) -> None:
    use = opened(options).memory()
    _say(options, use.to_dict(), str(use))


def _gradients(options: argparse.Namespace) -> None:
    flow = opened(options).grad_flow(options.svg, options.step)
    _say(options, flow.to_dict(), str(flow))


def _to_tensorboard(options: argparse.Namespace) -> None:
    folder = opened(options).to_tensorboard(options.out)
    _say(options, {"folder": str(folder)}, f"wrote {folder}; look with: tensorboard --logdir {folder}")


def _to_perfetto(options: argparse.Namespace) -> None:
    path = opened(options).to_perfetto(options.out)
    _say(options, {"file": str(path)}, f"wrote {path}; open it at https://ui.perfetto.dev")


def _to_json(options: argparse.Namespace) -> None:
    if options.out == "-":
        print(opened(options).to_json())
        return
    opened(options).to_json(options.out)
    _say(options, {"file": options.out}, f"wrote {options.out}")


_SIMPLE = (
    ("show", "say what a recording holds", _show),
    ("summary", "list layers: shapes, weights, FLOPs, times, memory", _summary),
    ("top", "list what costs most", _top),
    ("memory", "show the peak of memory and what held it", _memory),
    ("gradients", "list how large gradients are (recorded with --stats)", _gradients),
)
_WRITERS = (
    ("tensorboard", "write the graph with times and memory for TensorBoard", _to_tensorboard, "logdir"),
    ("perfetto", "write a trace for ui.perfetto.dev", _to_perfetto, "out.json"),
    ("json", "write everything as JSON (- for the screen)", _to_json, "out.json"),
)


# ---------------------------------------------------------------------- what is printed


def _say(options: argparse.Namespace, facts: Any, words: str) -> None:
    if options.json:
        _print_json(facts)
    else:
        print(words)


def _print_json(data: Any) -> None:
    print(json.dumps(finite(data), indent=1, ensure_ascii=False, allow_nan=False))


def _print_table(shown: str) -> None:
    """Heads in bold, the lines of the frame grey."""
    for line in shown.splitlines():
        if line.startswith("─"):
            print(paint(line, "2"))
        elif line.startswith("note:"):
            print(paint(line, "33"))
        else:
            print(line)
