"""`viz run --keep 3 SCRIPT`: run a script as it is, and keep its last steps when something goes wrong."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any

from viz.command.output_files import beside, check_target
from viz.command.ranks import ranks_here
from viz.command.script_runner import run_script
from viz.replay.keeping import Keeping
from viz.replay.watch import HISTORY

__all__ = ["run_kept"]


def run_kept(options: argparse.Namespace) -> int:
    """Run a script with its last steps held.

    Args:
        options: what `viz run` was given.

    Returns:
        The script's exit status.

    Raises:
        OSError: when there is no such script.
        ValueError: for an option that goes with recording only, and where several ranks share batches.
    """
    given: dict[str, Any] = {"--steps": options.steps, "--values": options.values, "--draw": options.draw}
    given |= {"--stats": options.stats != "none"}
    for name, value in {**given, "--json": options.json, "--live": options.live}.items():
        if value:
            raise ValueError(f"{name} can't be combined with --keep: viz replay FILE --trace records a kept step")
    if ranks_here() is not None:
        raise ValueError("--keep holds the steps of one process: a step that ranks share can't be run again by one")
    out = pathlib.Path(options.out or beside(options.script, ".efr", options.module))
    check_target(out, ("efr",))
    keeping = Keeping(options.keep, out, not options.no_data, options.script)
    _, status = run_script(options.script, options.arguments, options.module, keeping, keeping.ring.fail)
    if not keeping.written:
        print(
            f"viz: no step made NaN, raised an error or had a jump in its loss ({HISTORY}), so none was kept; to keep "
            "the last ones whatever happens, call viz.keep_step() in the script; viz doctor looks for other mistakes",
            file=sys.stderr,
        )
    return status
