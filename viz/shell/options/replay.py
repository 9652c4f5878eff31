"""`viz replay FILE.efr`: its arguments."""

from __future__ import annotations

from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Run the training steps that `viz run --keep 3 train.py` has kept once more: forward, backward and update.

  viz replay train.efr                  do they give the same numbers, bit for bit?
  viz replay train.efr --nonfinite      the op, layer and line where NaN begins
  viz replay train.efr --bisect-rows    which rows of the batch cause it
  viz replay train.efr --float64        the same in double precision
  viz replay train.efr --lr 0.001       what another learning rate would have done
  viz replay train.efr --without dropout   with a layer left out
  viz replay train.efr --step           op by op, with upstream × local = gradient
  viz replay train.efr --trace step.efz  record it; then viz html step.efz makes a page that plays it
  viz replay train.efr --script train.py   by the code of this script, instead of the ops in the file

From the file, only eagerflow's own ops are run. A change such as --lr applies to the last step, or to that of --at.
Exit status: 0 the same bits (or the question was answered), 1 not the same, or --nonfinite found NaN, or --doctor an
error; 2 wrong usage, 3 it can't be run."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("--at", type=int, metavar="STEP", help="the step to look at or to change (default: the last)")
    parser.add_argument("--float64", action="store_true", help="compute in float64")
    parser.add_argument("--lr", type=float, metavar="RATE", help="update by another learning rate")
    parser.add_argument("--without", metavar="LAYER", help="leave a layer out: it gives what it is given")
    parser.add_argument("--bisect-rows", action="store_true", help="find the rows of the batch that cause it")
    parser.add_argument("--nonfinite", action="store_true", help="find the op where NaN or infinity begins")
    parser.add_argument("--doctor", action="store_true", help="let the doctor watch")
    parser.add_argument("--step", action="store_true", help="go through the step op by op, in a prompt")
    parser.add_argument("--trace", type=written("efz"), metavar="FILE.efz", help="record the step with its numbers")
    parser.add_argument("--no-limit", action="store_true", help="a file that you trust may take any memory")
    parser.add_argument("--script", metavar="SCRIPT", help="run the step by the code of a script, up to its first step")
    parser.add_argument("-m", "--module", action="store_true", help="--script is the name of a module")
    parser.add_argument("file", metavar="FILE.efr", help="what viz run --keep wrote")
    parser.add_argument("arguments", nargs="*", help="the arguments of --script (after -- if they begin with a dash)")
    parser.set_defaults(command="viz.command.replay.run_replay", prog=parser.prog)
