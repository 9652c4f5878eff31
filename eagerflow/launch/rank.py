"""In each rank: meet the others, then run the script as `python SCRIPT` would."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Sequence

from eagerflow.compat.run import run_module, run_script
from eagerflow.distribution.joining import joined
from eagerflow.distribution.runtime import faults

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Run `[run] SCRIPT ARGS` or `[run] -m MODULE ARGS`; returns the exit code."""
    told = os.environ.pop("EAGERFLOW_CHANNEL", "")
    if told.isdecimal():
        faults.status.channel = int(told)
        os.set_inheritable(int(told), False)
    faulthandler.enable()
    faults.install()
    joined()
    as_keras = arguments[:1] == ["run"]
    as_module = arguments[as_keras] == "-m"
    program, *rest = arguments[as_keras + as_module :]
    try:
        code = (run_module if as_module else run_script)(program, rest, as_keras=as_keras)
        if code and faults.status.channel is not None:
            faults.fail("exited", f"{program} can't be read", code=code)
    except SystemExit as error:
        code = _ended(error)
    faults.tell("over")
    return code


def _ended(error: SystemExit) -> int:
    """The exit code of `sys.exit`, as Python understands its argument; a failure ends all ranks."""
    code = error.code or 0
    if not isinstance(code, int):
        print(code, file=sys.stderr)
    number = code & 255 if isinstance(code, int) else 1
    if code != 0 and faults.status.channel is not None:
        cause = f"ended its script by sys.exit({code!r:.80})"
        faults.fail("exited", cause, faults.place_of(error.__traceback__), number)
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
