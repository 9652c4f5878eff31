"""`viz run --keep 3 SCRIPT`: run a script as it is, and keep its last steps when something goes wrong."""

from __future__ import annotations

import argparse
import pathlib
import sys

from viz.command.ranks import ranks_here
from viz.frameworks import eagerflow_alone
from viz.replay.keeping import Keeping
from viz.replay.watch import HISTORY
from viz.shell.output_files import check_target, default_name
from viz.shell.program import Script
from viz.shell.script_runner import run_script

__all__ = ["run_kept"]


def run_kept(options: argparse.Namespace) -> int:
    """Run `viz run --keep`."""
    if ranks_here() is not None:
        raise ValueError("--keep holds the steps of one process: a step that ranks share can't be run again by one")
    script = Script.of(options)
    out = pathlib.Path(options.out or default_name(script, ".efr"))
    check_target(out, ("efr",))
    keeping = Keeping(options.keep, out, options.script)
    _, status = run_script(script, keeping, keeping.ring.fail)
    if not keeping.written:
        print(
            eagerflow_alone("viz run --keep")
            or f"viz: no step made NaN, raised an error or had a jump in its loss ({HISTORY}), so none was kept; to "
            "keep the last ones whatever happens, call viz.keep_step() in the script; viz doctor looks for other "
            "mistakes",
            file=sys.stderr,
        )
    return status
