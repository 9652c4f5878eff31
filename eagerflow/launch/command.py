"""The command line of `python -m eagerflow launch`, and what comes before and after the ranks."""

from __future__ import annotations

import argparse
import os
import re
import resource
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from eagerflow.base.output import program
from eagerflow.cli.module_names import apart
from eagerflow.cli.parser import CommandParser, painted, whole_number
from eagerflow.cli.scripts import meant_script
from eagerflow.launch.blame import Failure
from eagerflow.launch.engine import LaunchError, command, find
from eagerflow.launch.hosts import Host, parse_hosts, shared_out, without
from eagerflow.launch.job import Job
from eagerflow.launch.predict import run_prediction
from eagerflow.launch.variables import allowed, local

__all__ = ["launch"]

_TIMEOUT = 600.0  # seconds; an agent takes what its rank's script says instead
_NO_KERAS = re.compile("No module named '(keras|tensorflow|tf_keras)'")
_USAGE = "[-n RANKS] [--hosts a,b:8] [OPTIONS] [run] (SCRIPT | -m MODULE) ARGS"
_ABOUT = """\
Run a script as several processes (ranks) that train one network together, each with its part of every batch, if
it calls keras.distribution.set_distribution(keras.distribution.DataParallel()); otherwise each trains its own network.

  %(prog)s -n 4 train.py               four ranks on this machine
  %(prog)s --hosts a,b:8 train.py      one on a, eight on b
  %(prog)s -n 4 run keras_script.py    a script for Keras or TensorFlow, as it is
  %(prog)s -n 3 -m viz doctor train.py what is wrong, on any rank or between them
  %(prog)s --predict 1024 train.py     what 1,024 ranks should give; starts none

What rank 0 prints is shown; what the others print goes to files in the folder. It needs the extra `mpi`.
Exit status: 0 all well, 2 wrong usage, or nothing could be started; else that of the rank that failed first."""


def launch(arguments: Sequence[str]) -> int:
    """Run the command line; gives the exit code: 0, that of the first failure, or 2 where nothing was started."""
    try:
        options = _parsed(arguments)
        if options.predict:
            return run_prediction(options.predict, options.program)
        hosts = options.machines
        _check_script(options.program, hosts)
        mpiexec = find()
        folder = _folder(Path(options.folder))
    except (LaunchError, OSError) as error:
        print(f"{program()} launch: {painted('error:')} {error}", file=sys.stderr)
        return 2
    if "TF_CONFIG" in os.environ:
        print("launch: TF_CONFIG is ignored: the launcher tells ranks who they are.", file=sys.stderr)
    if sum(host.ranks or 1 for host in hosts) > 1:
        print(f"launch: what ranks other than 0 print goes to {folder}/rank-*.log", file=sys.stderr)
    attempt = 0
    while True:
        job, failure = _attempt(options, hosts, mpiexec, folder, attempt)
        if failure is None:
            return 0
        _tell(job, failure, folder)
        if cure := _as_keras(failure.cause, options):
            print(f"launch: {cure}", file=sys.stderr, flush=True)
        if failure.kind == "interrupted" or attempt == options.restarts:
            break
        hosts = _left(job, failure, hosts, options.min_ranks)
        if not hosts:
            print("launch: too few ranks are left to start again (--min-ranks).", file=sys.stderr)
            break
        ranks = sum(host.ranks or 1 for host in hosts)
        print(
            f"launch: restart {attempt + 1} of {options.restarts}, on {ranks} rank{'s' * (ranks > 1)}",
            file=sys.stderr,
            flush=True,
        )
        attempt += 1
    return failure.code if 0 < failure.code < 256 else 1


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    own, words = _divided(list(arguments))
    prog = f"{program()} launch"
    parser = CommandParser(prog=prog, usage=f"{prog} {_USAGE}", description=_ABOUT)
    parser.add_argument(
        "-n", "--ranks", type=whole_number(1), metavar="N", help="how many ranks (default: one per machine)"
    )
    parser.add_argument(
        "--hosts",
        type=parse_hosts_or_error,
        metavar="A,B:8",
        help="machines by the names that ssh knows; b:8 is eight ranks on b (default: this one)",
    )
    parser.add_argument(
        "--restarts",
        type=whole_number(),
        default=0,
        metavar="N",
        help="start again after a failure, at most N times (default: 0)",
    )
    parser.add_argument(
        "--min-ranks", type=whole_number(1), metavar="K", help="with --restarts: go on with fewer ranks, but at least K"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="seconds that ranks wait for each other (default: what the script says, else 600)",
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME",
        help="with --hosts: an environment variable to hand to the ranks; may be repeated",
    )
    parser.add_argument("--folder", default="runs", metavar="DIR", help="folder for this run's output (default: runs)")
    parser.add_argument("--interface", type=_word, metavar="NAME", help="network interface to use, such as eth0")
    parser.add_argument("--ssh", default="", metavar="PROGRAM", help="program to use instead of ssh")
    parser.add_argument(
        "--predict", type=whole_number(1), metavar="N", help="start nothing; estimate how fast N ranks would be"
    )
    options = parser.parse_args(own)
    if words in ([], ["run"], ["-m"], ["run", "-m"]):
        parser.error("expected a script, or -m and a module")
    if options.ranks is None and options.hosts is None:
        options.ranks = 1
    try:
        options.machines = shared_out(options.hosts or [Host("localhost", None)], options.ranks)
    except ValueError as error:
        parser.error(str(error))
    if options.min_ranks is not None and options.min_ranks > sum(host.ranks or 1 for host in options.machines):
        parser.error(f"--min-ranks {options.min_ranks}: more than there are")
    options.given, options.program = own, words
    if options.timeout is None and os.environ.get("EAGERFLOW_TIMEOUT"):
        options.timeout = _seconds(os.environ["EAGERFLOW_TIMEOUT"])
    return options


# Options of our own that take a word.
_TAKE = (
    "-n",
    "--ranks",
    "--hosts",
    "--restarts",
    "--min-ranks",
    "--timeout",
    "--env",
    "--folder",
    "--interface",
    "--ssh",
    "--predict",
)


def _divided(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Our own options, and the program with its arguments."""
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if word == "--":
            return arguments[:place], arguments[place + 1 :]
        if not word.startswith("-") or (word.startswith("-m") and not word.startswith("--")):
            break
        place += 2 if word in _TAKE else 1
    program = arguments[place:]
    return arguments[:place], ["run", *apart(program[1:])] if program[:1] == ["run"] else apart(program)


def parse_hosts_or_error(text: str) -> list[Host]:
    """The machines, for argparse."""
    try:
        return parse_hosts(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--hosts: ")) from None


def _check_script(words: Sequence[str], hosts: Sequence[Host]) -> None:
    """Refuse a script that isn't there, where all ranks run on this machine.

    Raises:
        LaunchError: with what may have been meant.
    """
    script = words[1] if words[0] == "run" else words[0]
    if script == "-m" or any(host.name != "localhost" for host in hosts) or Path(script).exists():
        return
    raise LaunchError(f"there is no script {script!r}{meant_script(script)}")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds; got {text!r}")
    return value


def _word(text: str) -> str:
    if not text.replace("-", "").replace(".", "").replace("_", "").isalnum() or text.startswith("-"):
        raise argparse.ArgumentTypeError(f"expected letters and digits; got {text!r}")
    return text


def _folder(parent: Path) -> Path:
    """A new folder for this run, for its owner only."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f"launch-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder.mkdir(mode=0o700)
    return folder


def _attempt(
    options: argparse.Namespace, hosts: list[Host], mpiexec: str, folder: Path, attempt: int
) -> tuple[Job, Failure | None]:
    """Start all ranks, and stay until they have ended."""
    if attempt:
        folder = folder / f"restart-{attempt}"
        folder.mkdir(mode=0o700)
    pipes = Path(tempfile.mkdtemp(prefix="eagerflow-"))
    remote = options.hosts is not None
    timeout = options.timeout or _TIMEOUT
    words, extra = command(
        mpiexec, hosts, remote, pipes, timeout, options.program, options.ssh, options.interface or ""
    )
    environment = allowed(os.environ, [*options.env, "SSH_AUTH_SOCK"]) if remote else local(os.environ)
    environment.pop("TF_CONFIG", None)
    environment |= {"PYTHONUNBUFFERED": "1", "EAGERFLOW_RESTART": str(attempt)} | extra
    if options.timeout is not None:
        environment["EAGERFLOW_TIMEOUT"] = f"{options.timeout:g}"
    ranks = sum(host.ranks or 1 for host in hosts)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4 * ranks + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * ranks + 100, hard), hard))
    before = os.umask(0o077)
    try:
        job = Job(hosts, words, environment, folder, pipes, timeout)
        return job, job.run()
    finally:
        os.umask(before)
        shutil.rmtree(pipes, ignore_errors=True)


def _tell(job: Job, failure: Failure, folder: Path) -> None:
    """The first failure, after everything else."""
    if failure.kind in ("engine", "lost") and job.noise:
        sys.stderr.write(job.noise.decode(errors="replace").rstrip() + "\n")
    same = [f for f in job.failures if f.rank != failure.rank and (f.cause, f.kind) == (failure.cause, failure.kind)]
    also = sorted({f.rank for f in same if f.rank is not None})
    lines = [f"launch: all ranks have ended; records and outputs are in {folder}"]
    lines.append(f"launch: {failure.subject or job.named(failure.rank)}: {failure.cause}")
    if also:
        lines[-1] += f" (the same on {'rank' if len(also) == 1 else 'ranks'} {', '.join(map(str, also[:8]))})"
    if failure.where:
        lines.append(f"launch:   {'at' if failure.certain else 'last seen at'} {failure.where}")
    sys.stdout.flush()
    print("\n".join(lines), file=sys.stderr, flush=True)


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
    lost = {job.host_of(failure.rank)} if failure.kind in ("lost", "silent") and failure.rank is not None else set()
    if len(hosts) == 1:
        lost = set()
    killed = {job.host_of(rank) for rank in job.killed}
    left = without(hosts, lost, killed - lost)
    return left if sum(host.ranks or 1 for host in left) >= least else []
