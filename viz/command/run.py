"""`viz run SCRIPT`: run a script as it is, and record what it does."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import sys

from viz.command.keep import MAX_OPS, add_keep_options, run_kept
from viz.command.live import add_options, refuse_without_page, run_live
from viz.command.output_files import beside, check_picture, check_target
from viz.command.ranks import own_file, ranks_here
from viz.command.script_runner import check_given, run_script
from viz.facts import summary_tables
from viz.facts.overview import is_empty, overview, why_empty
from viz.facts.selection import ended_by, outcome
from viz.picture.render import FORMATS
from viz.recorder.all_ranks import AllRanks
from viz.recorder.tensor_stats import LEVELS
from viz.recording import Recording
from viz.shell.parser import Parser
from viz.shell.printed import print_json
from viz.shell.program import name_of
from viz.shell.statuses import DONE, Impossible, told
from viz.shell.terminal import output_to_stderr, paint
from viz.shell.words import as_word
from viz.tracer import Tracer, trace

__all__ = ["add_command", "run_run"]

_ABOUT = """\
Run a script as `python` would, and record what eagerflow does in it.

  viz run train.py --epochs 3           arguments after the script are the script's
  viz run --steps 1,10 train.py         only the second and the eleventh training step
  viz run --stats full -o a.efz train.py
  viz run -m package.module             a module instead of a file
  viz run --live train.py               watch the training on a page in your browser
  viz run --keep 3 train.py             keep the last three steps, and write them when one goes wrong

If the script fails, everything up to that point is still written, with the op that failed. With several ranks:

  python -m eagerflow launch -n 2 -m viz run train.py     one file with all ranks, on one clock"""


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("-o", "--out", metavar="FILE.efz", help="where to write (default: named like the script)")
    parser.add_argument("--name", help="a title for pictures and tables")
    parser.add_argument("--stats", choices=LEVELS, default="none", help="measure tensors (default: none)")
    parser.add_argument(
        "--steps", type=_steps, metavar="N[,N...]", help="only the training steps with these numbers, from 0"
    )
    parser.add_argument("--values", metavar="REGEX", help="keep the values of tensors whose label matches")
    parser.add_argument("--max-ops", type=int, default=MAX_OPS, metavar="N", help="stop recording after so many ops")
    parser.add_output("--draw", endings=FORMATS, suffix=".svg", metavar="FILE.svg", help="also draw the last step")
    add_options(parser)
    add_keep_options(parser)
    parser.add_script()
    parser.set_defaults(command=run_run)


def _steps(given: str) -> list[int]:
    try:
        steps = [int(part) for part in given.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r} isn't a list of step numbers such as 1,10") from None
    if min(steps) < 0:
        raise argparse.ArgumentTypeError(f"steps are counted from 0; got {min(steps)}")
    return steps


def run_run(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: see `add_command`.

    Returns:
        The script's exit status; 3 where it ended well and nothing was recorded, unless it was asked for its help.
    """
    check_given(options)
    if options.keep is not None:
        return run_kept(options)
    if options.live:
        return run_live(options)
    refuse_without_page(options)
    tracer: Tracer = trace(
        options.name or name_of(options.script, options.module),
        stats=options.stats,
        steps=options.steps,
        values=options.values,
        max_ops=options.max_ops,
    )
    out = pathlib.Path(options.out or beside(options.script, ".efz", options.module))
    check_target(out)
    check_picture(options.draw)
    communicator = ranks_here()
    ranks = None if communicator is None else AllRanks(communicator)
    errors: list[BaseException] = []
    with output_to_stderr() if options.json else contextlib.nullcontext():
        recording, failed = run_script(options.script, options.arguments, options.module, tracer, errors.append)
    recording.notes += [ended_by(error) for error in errors]
    if ranks is not None and failed:  # on this one alone, perhaps: nothing that all ranks do can come now
        out = own_file(out, ranks.communicator.rank)
    elif ranks is not None:
        record = ranks.together(recording)
        if record is None:
            return failed
        recording.fill(record)
    if is_empty(recording):
        return _say_empty(recording, out, failed, options)
    recording.save(out)
    if options.draw and recording.ops:
        recording.draw(options.draw)
        print(f"wrote {options.draw}", file=sys.stderr)
    if options.json:
        print_json({"file": str(out), **overview(recording)})
    else:
        _say_recorded(recording, out)
    return failed


def _say_empty(recording: Recording, out: pathlib.Path, failed: int, options: argparse.Namespace) -> int:
    """Nothing is written then: a recording that is there already may be a good one."""
    if options.json:
        print_json({"file": None, **overview(recording)})
    if not failed and {"-h", "--help"} & {*options.arguments}:
        return DONE  # the script was asked for its own help, which is there
    kept = f"{out} is left as it was" if out.exists() else f"{out} was not written"
    status = told("viz run", Impossible(f"nothing was recorded, and {kept}: {why_empty(recording)}"))
    return failed or status


def _say_recorded(recording: Recording, out: pathlib.Path) -> None:
    lines, told = [summary_tables.describe(recording)], outcome(recording, [])
    lines += [f"{paint('note:', '33', sys.stderr)} {note}" for note in recording.notes if note not in told]
    lines.append(f"wrote {paint(str(out), '1', sys.stderr)}")
    name = as_word(out)
    lines.append(f"next: viz show {name}; viz html {name}; viz draw {name} step.svg; viz top {name}")
    print("\n".join(lines), file=sys.stderr)
