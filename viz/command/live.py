"""`viz run --live SCRIPT`: run a script as it is, and show its training on a page."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import sys
import time

from viz.command.ranks import ranks_here
from viz.livepage.handle import LivePage, live
from viz.shell.output_files import check_target
from viz.shell.program import Script
from viz.shell.script_runner import run_script
from viz.shell.signals import Ended

__all__ = ["run_live"]

_LINGER = 10.0  # seconds that the page's process outlives one that is killed, without a browser that looks


def run_live(options: argparse.Namespace) -> int:
    """Run `viz run --live`."""
    script = Script.of(options)
    check_target(options.out)
    ranks = ranks_here()
    if ranks is not None and ranks.rank:  # the page is that of rank 0
        return run_script(script, contextlib.nullcontext())[1]
    name = script.name if script.as_module else pathlib.Path(script.path).name
    page = live(port=options.port or 0, open_browser=options.open, linger=_LINGER, name=name)
    page.belongs_to(f"-m {options.script}" if options.module else options.script)
    errors: list[BaseException] = []
    try:
        _, status = run_script(script, contextlib.nullcontext(), errors.append)
        page.close(errors[0] if errors else None)
        if options.out and page.recording is not None and page.recording.ops:
            page.recording.save(options.out)
            print(f"wrote the last recorded step to {options.out}", file=sys.stderr)
        if not options.exit and not _by_signal(errors):
            _serve(page)
    finally:  # whenever Ctrl-C comes, the port is free afterwards; another signal leaves the page to who looks at it
        page.close(quit=not _by_signal(errors))
    return status


def _by_signal(errors: list[BaseException]) -> bool:
    return any(isinstance(error, Ended) for error in errors)


def _serve(page: LivePage) -> None:
    """Stay until Ctrl-C."""
    try:
        print(f"The script has ended; its page stays at {page.url} until Ctrl-C.", file=sys.stderr)
        while page.is_served:
            time.sleep(0.5)
        print("The page has ended: a newer run has its port.", file=sys.stderr)
    except KeyboardInterrupt:
        print(file=sys.stderr)
