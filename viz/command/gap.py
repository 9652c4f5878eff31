"""`viz gap SCRIPT`: why `fit` and `evaluate` disagree about the same rows."""

from __future__ import annotations

import argparse
import contextlib
import sys

from viz.command.output_files import CHARTS, check_chart
from viz.command.script_runner import check_given, run_script
from viz.facts.json_data import json_text
from viz.fit_gap.of_script import Found, listening
from viz.shell.parser import Parser, nearest
from viz.shell.statuses import ended, unanswered
from viz.shell.terminal import output_to_stderr

__all__ = ["add_command", "run_gap"]

_ABOUT = """\
Run a script as `python` would, and say why fit and evaluate disagree. The rows of the last epoch are run again with the
final weights, with dropout, augmentation and so on switched on and off; the parts add up to the difference.

  viz gap train.py --epochs 3           arguments after the script are the script's
  viz gap --each train.py               every call of fit, not only the last one
  viz gap --draw gap.svg train.py       also a picture
  viz gap --metric accuracy train.py    also the parts of a metric
  viz gap --json train.py               numbers as JSON; what the script prints goes to stderr
  viz gap -m package.train              a module instead of a file

Exit status: 0 nothing is wrong, 1 something is (statistics of batch normalization that lag behind, a loss that is not a
number), 2 wrong usage, 3 the script failed, or no epoch of fit could be taken apart."""


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("--each", action="store_true", help="every call of fit (default: the last)")
    parser.add_output(
        "--draw",
        endings=CHARTS,
        suffix=".gap.svg",
        metavar="FILE.svg",
        help="draw the last one that was taken apart: .svg, or .png or .pdf by CairoSVG or librsvg",
    )
    parser.add_argument("--metric", metavar="NAME", help="also list the parts of this metric")
    parser.add_script()
    parser.set_defaults(command=run_gap)


def run_gap(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `module`, `json`, `each`, `draw` and `metric`.

    Returns:
        See the command's help.
    """
    check_given(options)
    check_chart(options.draw)
    with output_to_stderr() if options.json else contextlib.nullcontext():
        found, failed = run_script(options.script, options.arguments, options.module, listening(options.each))
    if options.draw and found.gaps:
        found.gaps[-1].draw(options.draw)
        print(f"wrote {options.draw}", file=sys.stderr)
    _print(found, options.json, options.metric, failed)
    if not found.gaps:
        return unanswered("viz gap", "; ".join(found.refusals) or found.text(ended(failed) if failed else ""), failed)
    if failed:
        return unanswered("viz gap", f"{ended(failed)}; this is about what fit did until then", failed)
    if options.metric is not None and not any(options.metric in gap.numbers for gap in found.gaps):
        known = list(found.gaps[-1].numbers)
        raise ValueError(
            f"--metric {options.metric}: expected one of {', '.join(known)}{nearest(options.metric, known)}"
        )
    return 0 if all(gap.ok for gap in found.gaps) else 1


def _print(found: Found, as_json: bool, metric: str | None, failed: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if as_json:
        print(json_text({**found.to_dict(), "failed": bool(failed)}))
        return
    if found.gaps:
        print(f"\n{found.text(ended(failed) if failed else '')}")
    for gap in found.gaps:
        if metric is None:
            break
        if metric in gap.numbers:
            print(f"\n{gap.table(metric)}")
