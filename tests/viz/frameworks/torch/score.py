"""What a doctor says of the corpus: `python -m tests.viz.frameworks.torch.score [NAME ...]`, where torch is installed.

Each twin is run by `python -m viz doctor --json`. Of the faulty ones, a fault is *noticed* by a warning or an error,
*named* by one of an expected kind, and the *line* is right if it is one of the marked ones; healthy twins are *quiet*
without warnings and errors. A part of a name chooses the programs that have it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.viz.frameworks.torch import corpus

__all__ = ["Verdict", "alarms", "judge"]

Finding = Mapping[str, Any]


class Verdict(NamedTuple):
    """What was said of one faulty program."""

    noticed: bool
    named: bool
    line: bool


def alarms(findings: Iterable[Finding]) -> list[Finding]:
    """The warnings and errors; hints are none."""
    return [finding for finding in findings if finding["severity"] != "info"]


def judge(name: str, findings: Iterable[Finding]) -> Verdict:
    """Whether the fault of a program was noticed, named, and found on its line."""
    kinds, lines = corpus.expected(name)
    said = alarms(findings)
    named = [finding for finding in said if finding["kind"] in kinds]
    return Verdict(bool(said), bool(named), any(finding["line"] in lines for finding in named))


def _findings(path: Path) -> list[Finding]:
    """What `viz doctor` finds; nothing if it fails."""
    command = [sys.executable, "-W", "ignore", "-m", "viz", "doctor", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return json.loads(done.stdout)["findings"] if done.stdout.startswith("{") else []


def main(parts: list[str]) -> None:
    """Prints a line for each program, then the totals."""
    names = [name for name in corpus.NAMES if not parts or any(part in name for part in parts)]
    verdicts, quiet = [], 0
    with TemporaryDirectory() as folder:
        for name in names:
            twin = Path(folder, name.replace("/", "_") + ".py")
            twin.write_text(corpus.healthy(name), encoding="utf-8")
            found, false = _findings(corpus.path(name)), alarms(_findings(twin))
            verdicts.append(judge(name, found))
            quiet += not false
            said = ", ".join(f"{finding['rule']}:{finding['line']}" for finding in alarms(found))
            words = " ".join(word for word, so in verdicts[-1]._asdict().items() if so) or "missed"
            print(f"{name}: {words} ({said})" + "".join(f" FALSE {finding['rule']}" for finding in false), flush=True)
    for word, column in zip(Verdict._fields, zip(*verdicts, strict=True), strict=False):
        print(f"{word} {sum(column)} of {len(names)}")
    print(f"healthy twins quiet {quiet} of {len(names)}")


if __name__ == "__main__":
    main(sys.argv[1:])
