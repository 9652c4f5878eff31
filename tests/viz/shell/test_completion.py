"""What shells complete: commands, options, their values and files."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from viz.cli import main
from viz.shell.commands import COMMANDS
from viz.shell.completion import SHELLS


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_every_command_and_can_read_what_it_gets(shell, capsys, tmp_path):
    pytest.importorskip("shtab")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    assert "color-by" in script
    if shutil.which(shell) is not None:
        (tmp_path / "script").write_text(script, encoding="utf-8")
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["do"], {"doctor"}),
        (["draw", "--col"], {"--color-by"}),
        (["top", "--by", "ti"], {"time"}),
        (["show", "tr"], {"train.efz"}),
    ],
)
def test_bash_completes_commands_options_choices_and_files(words, offered, capsys, tmp_path):
    pytest.importorskip("shtab")
    (tmp_path / "train.efz").touch()
    main(["completion", "bash"])
    script = capsys.readouterr().out
    (function,) = {line.split()[-2] for line in script.splitlines() if line.startswith("complete ")}
    program = f"{script}\nCOMP_WORDS=(viz {' '.join(words)}); COMP_CWORD={len(words)}; {function} 2>/dev/null"
    done = subprocess.run(
        ["bash", "-c", f'{program}; printf "%s\\n" "${{COMPREPLY[@]}}"'], capture_output=True, text=True, cwd=tmp_path
    )
    assert {*done.stdout.split()} >= offered


def test_without_shtab_the_command_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 3
    assert "pip install 'eagerflow[completion]'" in capsys.readouterr().err
