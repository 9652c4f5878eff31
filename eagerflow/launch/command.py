"""The command line of `python -m eagerflow launch`, and what comes before and after the ranks."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from eagerflow.cli.parser import CommandParser, painted, whole_number
from eagerflow.cli.scripts import apart, meant_script
from eagerflow.cli.streams import program
from eagerflow.launch.engine import LaunchError, command, find
from eagerflow.launch.failure_report import Failure
from eagerflow.launch.hosts import Host, parse_hosts, shared_out, without
from eagerflow.launch.job import Job
from eagerflow.launch.variables import allowed, local

__all__ = ["launch"]

_NO_KERAS = re.compile("No module named '(keras|tensorflow|tf_keras)'")
_USAGE = "[-n RANKS] [--hosts a,b:8] [OPTIONS] [run] (SCRIPT | -m MODULE) ARGS"
_ABOUT = """\
Run a script as several processes (ranks) that train one network together, each with its part of every batch, if
it calls keras.distribution.set_distribution(keras.distribution.DataParallel()); otherwise each trains its own network.

  %(prog)s -n 4 train.py               four ranks on this machine
  %(prog)s --hosts a,b:8 train.py      one on a, eight on b
  %(prog)s -n 4 run keras_script.py    a script for Keras or TensorFlow, as it is
  %(prog)s -n 3 -m viz doctor train.py what is wrong, on any rank or between them

What rank 0 prints is shown; what the others print goes to files in the folder. It needs the extra `mpi`.
Exit status: 0 all well, 2 wrong usage, or nothing could be started; else that of the rank that failed first."""


def launch(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code: 0, that of the first failure, or 2 where nothing was started."""
    try:
        options = _parsed(arguments)
        hosts, script = options.machines, options.program[options.program[0] == "run"]
        if options.hosts is None and script != "-m" and not Path(script).exists():
            raise LaunchError(f"there is no script {script!r}{meant_script(script)}")
        mpiexec = find()
        folder = Path(options.folder, f"launch-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except (LaunchError, OSError) as error:
        print(f"{program()} launch: {painted('error:')} {error}", file=sys.stderr)
        return 2
    if "TF_CONFIG" in os.environ:
        _print("TF_CONFIG is ignored: the launcher tells ranks who they are.")
    if _ranks(hosts) > 1:
        _print(f"what ranks other than 0 print goes to {folder}/rank-*.log")
    attempt = 0
    while True:
        job, failure = _attempt(options, hosts, mpiexec, folder, attempt)
        if failure is None:
            return 0
        _report(job, failure, folder)
        if cure := _as_keras(failure.cause, options):
            _print(cure)
        if failure.kind == "interrupted" or attempt == options.restarts:
            break
        hosts = _left(job, failure, hosts, options.min_ranks)
        if not hosts:
            _print("too few ranks are left to start again (--min-ranks).")
            break
        attempt += 1
        ranks = _ranks(hosts)
        _print(f"restart {attempt} of {options.restarts}, on {ranks} rank{'s' * (ranks > 1)}")
    return failure.code if 0 < failure.code < 256 else 1


def _print(text: str) -> None:
    print(f"launch: {text}", file=sys.stderr, flush=True)


def _ranks(hosts: Sequence[Host]) -> int:
    return sum(host.ranks or 1 for host in hosts)


def _parser() -> CommandParser:
    prog = f"{program()} launch"
    parser = CommandParser(prog=prog, usage=f"{prog} {_USAGE}", description=_ABOUT)
    add = parser.add_argument
    add("-n", "--ranks", type=whole_number(1), metavar="N", help="how many ranks (default: one per machine)")
    hosts = "machines by the names that ssh knows; b:8 is eight ranks on b (default: this one)"
    add("--hosts", type=parse_hosts, metavar="A,B:8", help=hosts)
    again = "start again after a failure, at most N times (default: 0)"
    add("--restarts", type=whole_number(), default=0, metavar="N", help=again)
    fewer = "with --restarts: go on with fewer ranks, but at least K"
    add("--min-ranks", type=whole_number(1), metavar="K", help=fewer)
    seconds = "seconds that ranks wait for each other (default: what the script says, else 600)"
    add("--timeout", type=_seconds, metavar="S", help=seconds)
    variable = "with --hosts: an environment variable to hand to the ranks; may be repeated"
    add("--env", action="append", default=[], metavar="NAME", help=variable)
    add("--folder", default="runs", metavar="DIR", help="folder for this run's output (default: runs)")
    add("--interface", type=_word, metavar="NAME", help="network interface to use, such as eth0")
    add("--ssh", default="", metavar="PROGRAM", help="program to use instead of ssh")
    return parser


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    own, words = _divided(parser, list(arguments))
    options = parser.parse_args(own)
    if words in ([], ["run"], ["-m"], ["run", "-m"]):
        parser.error("expected a script, or -m and a module")
    try:
        options.machines = shared_out(options.hosts or [Host("localhost")], options.ranks)
    except ValueError as error:
        parser.error(str(error))
    if options.min_ranks is not None and options.min_ranks > _ranks(options.machines):
        parser.error(f"--min-ranks {options.min_ranks}: more than there are")
    options.given, options.program = own, words
    return options


def _divided(parser: CommandParser, arguments: list[str]) -> tuple[list[str], list[str]]:
    """Our own options, and the program with its arguments."""
    with_value = [name for action in parser._actions if action.nargs != 0 for name in action.option_strings]
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if word == "--":
            return arguments[:place], arguments[place + 1 :]
        if not word.startswith("-") or (word.startswith("-m") and not word.startswith("--")):
            break
        place += 2 if word in with_value else 1
    program = arguments[place:]
    return arguments[:place], ["run", *apart(program[1:])] if program[:1] == ["run"] else apart(program)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+\.?\d*|\.\d+", text) or not float(text):
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds; got {text!r}")
    return float(text)


def _word(text: str) -> str:
    if not re.fullmatch(r"[\w.][\w.-]*", text):
        raise argparse.ArgumentTypeError(f"expected letters and digits; got {text!r}")
    return text


def _attempt(
    options: argparse.Namespace, hosts: list[Host], mpiexec: str, folder: Path, attempt: int
) -> tuple[Job, Failure | None]:
    """Start all ranks, and stay until they have ended."""
    if attempt:
        folder = folder / f"restart-{attempt}"
        folder.mkdir(mode=0o700)
    remote = options.hosts is not None
    words, extra = command(mpiexec, hosts, remote, folder, options.program, options.ssh, options.interface or "")
    environment = allowed(os.environ, [*options.env, "SSH_AUTH_SOCK"]) if remote else local(os.environ)
    environment.pop("TF_CONFIG", None)
    environment |= {"PYTHONUNBUFFERED": "1", "EAGERFLOW_RESTART": str(attempt)} | extra
    if options.timeout is not None:
        environment["EAGERFLOW_TIMEOUT"] = f"{options.timeout:g}"
    os.umask(0o077)
    job = Job(hosts, words, environment, folder)
    return job, job.run()


def _report(job: Job, failure: Failure, folder: Path) -> None:
    """The first failure, after everything else."""
    if failure.kind == "engine" and job.noise:
        sys.stderr.write(job.noise.decode(errors="replace").rstrip() + "\n")
    same = [f for f in job.failures if f.rank is not None and (f.cause, f.kind) == (failure.cause, failure.kind)]
    also = sorted({f.rank or 0 for f in same} - {failure.rank})
    about = f"{failure.subject or job.named(failure.rank)}: {failure.cause}"
    if also:
        about += f" (the same on {'rank' if len(also) == 1 else 'ranks'} {', '.join(map(str, also[:8]))})"
    sys.stdout.flush()
    _print(f"all ranks have ended; records and outputs are in {folder}")
    _print(about)
    if failure.where:
        _print(f"  at {failure.where}")


def _as_keras(cause: str, options: argparse.Namespace) -> str:
    """How to start a script for Keras, where the one that failed is one and was started as it is; or ""."""
    if options.program[0] == "run" or not _NO_KERAS.search(cause):
        return ""
    words = shlex.join([*options.given, "run", *options.program])
    return f"with `run`, `import keras` and `import tensorflow` mean eagerflow: {program()} launch {words}"


def _left(job: Job, failure: Failure, hosts: list[Host], least: int | None) -> list[Host]:
    """The machines to start again on: all, unless some were lost and fewer ranks will do."""
    if least is None:
        return hosts
    silent = failure.kind == "silent" and failure.rank is not None and len(hosts) > 1
    lost = {job.hosts[failure.rank or 0]} if silent else set()
    killed = {job.hosts[f.rank or 0] for f in job.failures if f.kind == "killed"}
    left = without(hosts, lost, killed - lost)
    return left if _ranks(left) >= least else []
