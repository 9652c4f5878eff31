"""What the commands of add-ons understand: light to load, as in `viz.shell.options`."""

from __future__ import annotations

import argparse
from importlib import import_module

from viz.shell.parser import Parser, at_least_one, written

__all__ = ["add_annotate", "add_check", "add_data", "add_doctor", "add_estimate", "add_gap", "add_replay"]
__all__ += ["add_reproduce"]


def add_check(parser: Parser) -> None:
    """Run a script up to its first training step, check there whether it can learn as it is set up, and end it.

      viz check train.py --epochs 3         arguments after the script are the script's
      viz check --json train.py             the table as JSON; what the script prints goes to stderr
      viz check --strict train.py           a – counts, too, but for what the script hasn't (as validation data)
      viz check --augmented rows.svg train.py    a picture of the first rows before and after augmentation
      viz check -m package.train            a module instead of a file

    ✓ is as it should be, ✗ isn't, – can't be decided here (and says why). Everything is tried on the script's own model
    and first batch, and undone. Nothing is left behind: files that the script writes go to a temporary folder.
    It takes at most 30 seconds and 20 training steps, after what the script does before it trains.
    Exit status: 0 no ✗, 1 at least one ✗ (with --strict: or –), 2 wrong usage, 3 the script failed before it
    trained, or doesn't train.
    """
    parser.add_json()
    parser.add_argument("--strict", action="store_true", help="exit with 1 also where a question stays open (–)")
    parser.add_chart("--augmented", "draw rows before and after augmentation")
    parser.add_script()


def add_estimate(parser: Parser) -> None:
    """Run a script up to its first training step, measure a few steps at two batch sizes, and estimate others from
    them: memory of the process and of arrays, time of a step, an epoch and all epochs, and the largest batch that fits.

      viz estimate train.py                 the limit is this machine's memory
      viz estimate --limit 8GB train.py
      viz estimate --draw memory.svg train.py   also a picture
      viz estimate --json train.py          the same as JSON; what the script prints goes to stderr
      viz estimate -m package.train         a module instead of a file

    Nothing is left behind: files that the script writes go to a temporary folder.
    Exit status: 0 the script's batch fits, 1 it doesn't, 2 wrong usage, 3 the script failed, or no step could be made.
    """
    parser.add_json()
    parser.add_argument("--limit", metavar="SIZE", help="memory that may be used, such as 8GB (default: the machine's)")
    parser.add_chart("--draw", "also draw memory and time by batch size")
    parser.add_script()


def add_reproduce(parser: Parser) -> None:
    """Run a script twice, each time in a new process, and find the first result in which the runs differ, with its
    line: random numbers, a weight, a batch, an op, the loss or a gradient. What the script prints and writes is thrown
    away.

      viz reproduce train.py                the first 20 training steps
      viz reproduce --steps 0 train.py      the whole script
      viz reproduce --json train.py         what was found as JSON
      viz reproduce -m package.train        a module instead of a file

    Exit status: 0 the same bits, 1 a difference, 2 wrong usage, 3 the script failed, or runs no op.
    """
    parser.add_json()
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="training steps; 0: all (default: 20)")
    parser.add_argument("--journal", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_script()


def add_doctor(parser: Parser) -> None:
    """Run a script as `python` would, and say what is wrong with its training, on which line, and what to do.

      viz doctor train.py --epochs 3        arguments after the script are the script's
      viz doctor --json train.py            findings as JSON; what the script prints goes to stderr
      viz doctor --sarif out.sarif train.py a file for code review (SARIF 2.1.0)
      viz doctor --annotations github train.py   lines that GitHub shows next to the code
      viz doctor --fix train.py             a patch for the lines where the fix is certain; no file is changed
      viz doctor --ignore label_leak,overfit train.py   without findings of these kinds
      viz doctor --strict train.py          exit with 1 also for warnings, as in CI
      viz doctor --gap train.py             also why fit and evaluate disagree (see `viz gap`)
      viz doctor -m package.train           a module instead of a file

    The first steps are watched closely, the rest at little cost. Scripts that import Keras run on eagerflow.
    With several ranks, rank 0 reports what was found on all: python -m eagerflow launch -n 2 -m viz doctor train.py
    Exit status: 0 no error was found (warnings count with --strict, hints never do), 1 an error was found, 2 wrong
    usage, 3 the script failed or never trained.
    """
    parser.add_json()
    review = "also write the findings for code review"
    parser.add_argument("--sarif", type=written("sarif", "json"), metavar="FILE.sarif", help=review)
    lines = "also print a line per finding, which CI shows next to the code"
    parser.add_argument("--annotations", choices=("github",), help=lines)
    parser.add_argument("--fix", action="store_true", help="print only a patch, where the fix is certain")
    kinds = "kinds of findings that you disagree with"
    parser.add_argument("--ignore", metavar="KIND[,KIND...]", type=_kinds, default=(), help=kinds)
    parser.add_argument("--strict", action="store_true", help="exit with 1 also for warnings; hints don't count")
    parser.add_argument("--gap", action="store_true", help="also say why fit and evaluate disagree, after the last fit")
    parser.add_script()


def _kinds(given: str) -> list[str]:
    kinds_of = import_module("viz.doctor.finding").kinds_of  # loaded where it is needed: it brings all checks
    try:
        return sorted(kinds_of([each.strip() for each in given.split(",")]))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("ignore: ")) from None


def add_gap(parser: Parser) -> None:
    """Run a script as `python` would, and say why fit and evaluate disagree. The rows of the last epoch are run again
    with the final weights, with dropout, augmentation and so on switched on and off; the parts add up to the
    difference.

      viz gap train.py --epochs 3           arguments after the script are the script's
      viz gap --each train.py               every call of fit, not only the last one
      viz gap --draw gap.svg train.py       also a picture
      viz gap --metric accuracy train.py    also the parts of a metric
      viz gap --json train.py               numbers as JSON; what the script prints goes to stderr
      viz gap -m package.train              a module instead of a file

    Exit status: 0 nothing is wrong, 1 something is (statistics of batch normalization that lag behind, a loss that is
    not a number), 2 wrong usage, 3 the script failed, or no epoch of fit could be analysed.
    """
    parser.add_json()
    parser.add_argument("--each", action="store_true", help="every call of fit (default: the last)")
    parser.add_chart("--draw", "draw the last one that was split into parts")
    parser.add_argument("--metric", metavar="NAME", help="also list the parts of this metric")
    parser.add_script()


def add_data(parser: Parser) -> None:
    """Run a script as `python` would, and list the samples that it trains with, the hardest first: label, prediction,
    loss and norm of the gradient. Labels that are probably wrong, and duplicates, are marked.

      viz data train.py --epochs 5          arguments after the script are the script's
      viz data --html data.html train.py    a page with pictures of the hardest samples
      viz data -n 100 train.py              more lines
      viz data --json train.py              all samples as JSON; what the script prints goes to stderr
      viz data -m package.train             a module instead of a file

    Row numbers are those of the arrays given to fit; data in batches are counted as they come.
    Exit status: 0 samples were judged, 1 all losses are NaN and samples hold NaN or infinity themselves, 2 wrong usage
    or no such script, 3 there were none, all losses are NaN though no sample is, or the script failed.
    """
    parser.add_count(20)
    parser.add_html("also write a page with pictures of the hardest")
    parser.add_argument("--pictures", type=at_least_one, default=200, metavar="N", help="how many there (default: 200)")
    seconds = "time for norms of gradients (default: 20)"
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help=seconds)
    parser.add_json()
    parser.add_script()


def add_annotate(parser: Parser) -> None:
    """Show your source with what each line costs in one training step: shapes, times forward and backward, bytes, norms
    of gradients. The cost of a layer is shown at the line that created it.

      viz run --stats basic train.py        records; with --stats norms of gradients are measured
      viz annotate train.efz
      viz annotate train.efz --html lines.html --step 3
      viz annotate train.efz --all          whole files, not only what is around lines that cost something
    """
    parser.add_recording()
    parser.add_step()
    parser.add_html("write a page instead")
    parser.add_argument("--all", action="store_true", help="show whole files")
    parser.add_json(times=True)


def add_replay(parser: Parser) -> None:
    """Run the training steps that `viz run --keep 3 train.py` has kept once more: forward, backward and update.

      viz replay train.efr                  do they give the same numbers, bit for bit?
      viz replay train.efr --nonfinite      the op, layer and line where NaN begins
      viz replay train.efr --bisect-rows    which rows of the batch cause it
      viz replay train.efr --step           op by op, with upstream × local = gradient
      viz replay train.efr --trace step.efz  record it; then viz html step.efz makes a page that plays it

    From the file, only eagerflow's own ops are run. --bisect-rows, --step and --trace take the last step, or
    that of --at.
    Exit status: 0 the same bits (or the question was answered), 1 not the same, or --nonfinite found NaN, or --doctor
    an error; 2 wrong usage, 3 it can't be run.
    """
    parser.add_json()
    parser.add_argument("--at", type=int, metavar="STEP", help="the step to look at (default: the last)")
    parser.add_argument("--bisect-rows", action="store_true", help="find the rows of the batch that cause it")
    parser.add_argument("--nonfinite", action="store_true", help="find the op where NaN or infinity begins")
    parser.add_argument("--doctor", action="store_true", help="let the doctor watch")
    parser.add_argument("--step", action="store_true", help="show the step op by op, in a pager")
    parser.add_argument("--trace", type=written("efz"), metavar="FILE.efz", help="record the step with its numbers")
    parser.add_argument("--no-limit", action="store_true", help="a file that you trust may take any memory")
    parser.add_argument("file", metavar="FILE.efr", help="what viz run --keep wrote")
