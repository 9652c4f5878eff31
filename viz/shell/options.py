"""What the core's commands understand: light to load, so that help, completion and mistakes are answered at once.

The docstrings are the help of the commands, `viz.command` has what they do.
"""

from __future__ import annotations

import argparse
import re

from viz.choices import COLORINGS, FORMATS, KEYS, LEVELS
from viz.chosen_steps import ChosenSteps
from viz.shell.parser import Parser, written

__all__ = ["add_diff", "add_draw", "add_gradients", "add_html", "add_json", "add_memory", "add_nonfinite"]
__all__ += ["add_perfetto", "add_run", "add_show", "add_summary", "add_tensorboard", "add_top", "steps"]


def steps(given: str) -> ChosenSteps:
    """The steps that an option names.

    >>> steps("1,5-7"), steps("9:")
    (1,5-7, 9-)
    """
    try:
        return ChosenSteps.parsed(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# ---------------------------------------------------------------------- scripts


def add_run(parser: Parser) -> None:
    """Run a script as `python` would, and record what eagerflow does in it.

      viz run train.py --epochs 3           arguments after the script are the script's
      viz run --steps 1,10-12 train.py      only the steps 1, 10, 11 and 12, counted from 0
      viz run --stats full -o a.efz train.py
      viz run -m package.module             a module instead of a file
      viz run --live train.py               watch the training on a page in your browser
      viz run --keep 3 train.py             keep the last three steps, and write them when one goes wrong

    If the script fails, everything up to that point is still written, with the op that failed. With several ranks:

      python -m eagerflow launch -n 2 -m viz run train.py     one file with all ranks, on one clock
    """
    parser.add_json()
    parser.add_argument("-o", "--out", metavar="FILE.efz", help="where to write (default: named like the script)")
    parser.add_argument("--stats", choices=LEVELS, default="none", help="measure tensors (default: none)")
    numbers = "only the steps with these numbers, from 0, evaluations' batches included; also ranges: 5-9, 5:10, 9-"
    parser.add_argument("--steps", type=steps, metavar="N[,N...]", help=numbers)
    parser.add_argument("--values", metavar="REGEX", help="keep the values of tensors whose label matches")
    parser.add_argument("--draw", type=written(*FORMATS), metavar="FILE.svg", help="also draw the last step")
    live = parser.add_argument_group("live page")
    live.add_argument("--live", action="store_true", help="show the training in your browser while it runs")
    live.add_argument("--port", type=int, help="port of the page (default: any that is free)")
    browser = "open a browser (default: where there is a screen)"
    live.add_argument("--open", action=argparse.BooleanOptionalAction, help=browser)
    ends = "end when the script does, instead of showing the page until Ctrl-C"
    live.add_argument("--exit", action="store_true", help=ends)
    last = parser.add_argument_group("the last steps")
    kept = (
        "don't record; hold the last STEPS steps, and write them to SCRIPT.efr when one makes NaN, raises an error, or "
        "its loss jumps (see viz replay)"
    )
    last.add_argument("--keep", type=int, metavar="STEPS", help=kept)
    parser.add_script()


def add_nonfinite(parser: Parser) -> None:
    """Find the first op, forward or backward, that makes NaN or infinity from finite numbers: its layer, your line of
    code, and the numbers that went in.

      viz nonfinite train.py --epochs 3     run a script up to that op
      viz nonfinite step.efz                search a recording made with `viz run --stats basic`
      viz nonfinite --draw nan.svg train.py also draw the ops around it
      viz nonfinite --json train.py         what was found as JSON; what the script prints goes to stderr
      viz nonfinite -m package.train        a module instead of a file

    Exit status: 0 all numbers were finite, 1 some weren't, 2 wrong usage or no such file, 3 the script failed
    otherwise, or ran no op of eagerflow.
    """
    parser.add_json()
    around = "draw the ops around it: .svg, .png, .pdf, .dot"
    parser.add_argument("--draw", type=written(*FORMATS), metavar="FILE.svg", help=around)
    found = "write the recording of the step it happened in"
    parser.add_argument("-o", "--out", type=written("efz"), metavar="FILE.efz", help=found)
    parser.add_script("RECORDING|SCRIPT", "a recording (.efz), or a Python file to run")


# ---------------------------------------------------------------------- recordings


def add_show(parser: Parser) -> None:
    """Show a recording on one screen: how the training went, the model's parts, what was slow, memory, NaN.

    viz show train.efz
    viz show model.onnx --sizes batch=8   of a model in an ONNX file, run once
    """
    _add_table(parser)


def add_summary(parser: Parser) -> None:
    """List layers: shapes, weights, FLOPs, times, memory.

    viz summary train.efz
    viz summary --step 0 train.efz        of the first training step
    viz summary --depth 1 train.efz       models, and the layers in them, but not what is in those
    viz summary model.onnx                of a model in an ONNX file, run once
    """
    _add_table(parser)
    parser.add_argument("--depth", type=int, metavar="N", help="how many levels of layers to list (default: all)")
    parser.add_step()


def add_top(parser: Parser) -> None:
    """List what costs most.

    viz top train.efz                     the ten that took most time
    viz top -n 20 --by memory train.efz
    viz top --by source train.efz         time by your lines of code
    viz top --step 3 train.efz            of one training step
    """
    _add_table(parser)
    by = "equal ops of all steps by time, memory or flops; or a cost summed by name, layer or source (default: time)"
    parser.add_argument("--by", choices=KEYS, default="time", help=by)
    parser.add_count(10)
    parser.add_step("all steps together")


def add_memory(parser: Parser) -> None:
    """Show the peak of memory and what held it.

    viz memory train.efz
    viz memory --step 3 train.efz         the peak within one training step
    """
    _add_table(parser)
    parser.add_count(20)
    parser.add_step("the whole recording")


def add_gradients(parser: Parser) -> None:
    """List the sizes of gradients (recorded with --stats).

    viz run --stats basic train.py        records, with the sizes of gradients
    viz gradients train.efz
    viz gradients --draw flow.svg train.efz   also as a chart
    """
    _add_table(parser)
    parser.add_step()
    parser.add_chart("--draw", "also draw a chart")


def _add_table(parser: Parser) -> None:
    parser.add_recording()
    parser.add_json(times=True)


def add_draw(parser: Parser) -> None:
    """Draw one training step (the last one with a whole batch, or --step N) as a picture, with layers as frames.

    viz draw train.efz step.svg
    viz draw train.efz step.png --color-by time
    viz draw train.efz nan.svg --color-by nonfinite     where NaN came from (recorded with --stats basic)
    viz draw train.efz layers.pdf --depth 2
    """
    parser.add_recording()
    parser.add_out("out." + "|".join(FORMATS), "where to write; the ending is the format (default: FILE.svg)")
    parser.add_argument("--depth", type=int, metavar="N", help="how many levels of layers to expand")
    parser.add_argument("--color-by", choices=COLORINGS, default="op", help="what colours stand for (default: op)")
    most = "collapse layers when there are more rows than this (default: 100)"
    parser.add_argument("--max-nodes", type=int, default=100, metavar="N", help=most)
    parser.add_step()
    parser.add_argument("--parts", action="store_true", help="open fused ops into the ops that they are made of")
    repeats = "draw equal blocks one by one, not once with ×N (in Python: draw(collapse_repeats=False))"
    parser.add_argument("--all-repeats", action="store_true", help=repeats)


def add_html(parser: Parser) -> None:
    """Write the interactive page of a recording: one HTML file that needs no network.

    viz html train.efz                    writes train.html
    viz html train.efz step.html
    viz html model.onnx --sizes batch=8   of a model in an ONNX file, run on made-up inputs: model.trace.html
    viz html new.efz --diff old.efz       marks what differs from another recording
    """
    parser.add_recording()
    parser.add_out("page.html", "where to write (default: file.html; of an ONNX file file.trace.html)")
    parser.add_argument("--diff", metavar="other.efz", help="another recording: what differs is marked")
    parser.add_step(about="which step it opens on")


def add_diff(parser: Parser) -> None:
    """Say what differs between two recordings (.efz), or two files of weights (.keras, .weights.h5, .h5, .safetensors):
    ops and layers added, removed and changed, the first tensor with other elements, times, bytes, weights.

      viz diff before.efz after.efz         what changed, and what it costs
      viz diff --steps 0,9 run.efz          the first and the tenth step of one recording
      viz diff --steps 5- before.efz after.efz      both from step 5 on, conditions too
      viz diff --html diff.html a.efz b.efz  the interactive page of b.efz, changes marked
      viz diff monday.keras friday.keras    which weights differ, and how much
      viz diff --fail-if "time>10%" --fail-if "peak>5%" a.efz b.efz    for CI: fails only if it is more than chance
      viz diff --fail-if "time>10%" --markdown a.efz b.efz             for a pull request
      viz diff a1.efz b1.efz --fail-if "time>5%" --more-a a2.efz a3.efz --more-b b2.efz b3.efz    several runs of each

    Numbers are compared where both were recorded with `viz run --stats basic` or `--values ''`.
    Conditions: time, forward, backward, update, loss, memory, peak, ops, params, flops, and what training
    reports; > or <; 10% is a change from A to B, 5ms or 2GB B itself. Times and losses are compared over all steps, or
    those of --steps (6 at least).
    Exit status: 0 no difference (times and bytes don't count), 1 a difference, 2 wrong usage or an unreadable file;
    with --fail-if: 0 no condition came true, 1 one did, 3 none did, but one can't be decided.
    """
    parser.add_argument("a", metavar="A", help="a recording, or a file of weights")
    parser.add_argument("b", metavar="B", nargs="?", help="another one; may be left out with --steps")
    pair = "compare step I of A with step J of B; 5- or 2-9: these steps of both"
    parser.add_argument("--steps", type=_pair_or_steps, metavar="I,J", help=pair)
    parser.add_html("write the interactive page with changes marked")
    condition = 'what makes it fail, such as "time>10%%"'
    parser.add_argument("--fail-if", action="append", default=[], metavar="COND", help=condition)
    for side, which in (("a", "A"), ("b", "B")):
        more = f"more recordings of {which}, for conditions"
        parser.add_argument(f"--more-{side}", nargs="+", default=[], metavar="FILE", help=more)
    parser.add_argument("--markdown", action="store_true", help="print Markdown for a pull request")
    parser.add_json(times=True)


def _pair_or_steps(given: str) -> tuple[int, int] | ChosenSteps:
    """Two numbers, one for each side; or the steps of both."""
    if re.fullmatch(r"\s*\d+\s*,\s*\d+\s*", given, re.ASCII):
        i, j = map(int, given.split(","))
        return i, j
    return steps(given)


# ---------------------------------------------------------------------- files for other programs


def add_tensorboard(parser: Parser) -> None:
    """Write graph, times and memory for TensorBoard.

    viz tensorboard train.efz             then: tensorboard --logdir runs/train
    """
    parser.add_recording()
    parser.add_out("logdir", "the folder to write to (default: runs/FILE)")


def add_perfetto(parser: Parser) -> None:
    """Write a trace for ui.perfetto.dev.

    viz perfetto train.efz trace.json.gz
    """
    parser.add_recording()
    parser.add_out("out.json", "where to write, .json or .json.gz (default: FILE.perfetto.json)")


def add_json(parser: Parser) -> None:
    """Write everything as JSON.

    viz json train.efz                    writes train.json
    viz json train.efz - | jq .meta
    """
    parser.add_recording()
    parser.add_out("out.json", "where to write, - for the screen (default: FILE.json)")
