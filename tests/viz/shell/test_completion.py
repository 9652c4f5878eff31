"""What shells complete: commands, options, the values of options, and the files that are meant."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from eagerflow.__main__ import main as eagerflow_main
from viz.cli import main
from viz.shell.commands import COMMANDS
from viz.shell.completion import SHELLS, script_of


@pytest.fixture
def here(tmp_path):
    """A folder with a script and a recording of it."""
    for name in ("train.py", "train.efz"):
        (tmp_path / name).touch()
    return tmp_path


def completed(shell, line, folder, function="_viz"):
    """What bash offers behind a line."""
    words = line.split(" ")
    program = (
        f"{script_of('bash')}\nCOMP_WORDS=({' '.join([repr(word) for word in words])}); "
        f'COMP_CWORD={len(words) - 1}; {function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run([shell, "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    return sorted(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_commands_options_choices_and_files(here):
    assert completed("bash", "viz do", here) == ["doctor"]
    assert completed("bash", "viz draw --col", here) == ["--color-by"]
    assert "nonfinite" in completed("bash", "viz draw --color-by ", here)
    assert completed("bash", "viz show tr", here) == ["train.efz"]
    assert completed("bash", "viz run tr", here) == ["train.py"]
    assert completed("bash", "viz run train.py tr", here) == ["train.efz", "train.py"]
    assert completed("bash", "viz draw train.efz -o tr", here) == ["train.efz", "train.py"]
    assert completed("bash", "viz completion z", here) == ["zsh"]
    assert completed("bash", "viz doctor --ignore lo", here) == ["loss_mismatch", "loss_sign"]
    listed = completed("bash", "viz doctor --ignore dead_relu,loss_sign,lo", here)
    assert listed == ["dead_relu,loss_sign,loss_mismatch"]
    assert completed("bash", "viz doctor --ignore=dead_relu,sof", here) == ["--ignore=dead_relu,softmax_axis"]
    assert "dead_relu,dead_relu" not in completed("bash", "viz doctor --ignore dead_relu,", here)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_the_commands_of_eagerflow_are_completed_too(here, capsys):
    offered = completed("bash", "eagerflow ", here, "_eagerflow")
    with pytest.raises(SystemExit):
        eagerflow_main(["--help"])
    commands = re.findall(r"^  ([a-z]+) ", capsys.readouterr().out, re.MULTILINE)
    assert {*commands, "help", "--help", "--version"} == {*offered}
    assert completed("bash", "eagerflow run tr", here, "_eagerflow") == ["train.efz", "train.py"]
    assert completed("bash", "eagerflow help ", here, "_eagerflow") == sorted(commands)
    for command in commands:
        with pytest.raises(SystemExit):
            eagerflow_main([command, "--help"])
        options = {
            *re.findall(r"(?:^  |, )(--?[\w-]+)", capsys.readouterr().out.partition("options:")[2], re.MULTILINE)
        }
        assert {*completed("bash", f"eagerflow {command} -", here, "_eagerflow")} - {"-m"} == options - {"-m", "-h"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_offers_the_files_that_a_command_reads_behind_options_too(here):
    assert completed("bash", "viz run --live tr", here) == ["train.py"]
    assert completed("bash", "viz run --stats basic --name x tr", here) == ["train.py"]
    assert completed("bash", "viz doctor --json tr", here) == ["train.py"]
    assert completed("bash", "viz draw --theme dark tr", here) == ["train.efz"]
    assert completed("bash", "viz draw --theme = dark tr", here) == ["train.efz"]  # bash parts words at =
    assert completed("bash", "viz html train.efz --diff tr", here) == ["train.efz"]
    assert completed("bash", "viz diff train.efz tr", here) == ["train.efz"]
    assert completed("bash", "viz diff --html train.efz --fail-if x tr", here) == ["train.efz"]
    assert completed("bash", "viz top -n ", here) == []
    (here / "train.svg").touch()
    assert completed("bash", "viz run --draw tr", here) == ["train.py", "train.svg"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_values_behind_an_equals_sign_whether_it_parts_words_there_or_not(here):
    assert completed("bash", "viz top --by = t", here) == ["time"]
    assert completed("bash", "viz top --by=t", here) == ["--by=time"]
    assert completed("bash", "viz html train.efz --diff=tr", here) == ["--diff=train.efz"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_the_commands_that_help_tells_of(here):
    assert completed("bash", "viz he", here) == ["help"]
    assert completed("bash", "viz help d", here) == ["data", "diff", "doctor", "draw"]
    assert completed("bash", "viz help tr", here) == []


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_completes_the_commands_that_help_tells_of(here):
    assert in_fish("viz help do", here) == ["doctor"]
    assert in_fish("viz help train.p", here) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_every_command_and_can_read_what_it_gets(shell, capsys, tmp_path):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    assert "color-by" in script
    if shutil.which(shell) is not None:
        (tmp_path / "script").write_text(script, encoding="utf-8")
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_can_read_every_pattern_of_files(here):
    for name in ("net.onnx", "kept.efr", "page.html"):
        (here / name).touch()
    patterns = sorted(set(re.findall(r'_files -g "([^"]*)"', script_of("zsh"))))
    assert "*.py" in patterns
    for pattern in patterns:
        program = f"setopt nullglob; print -l -- {pattern}"
        done = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True, check=False, cwd=here)
        assert (done.returncode, done.stderr) == (0, ""), pattern


def test_a_single_ending_is_no_glob_qualifier_of_zsh():
    assert not re.findall(r'-g "\*\.\(\w+\)"', script_of("zsh"))


def test_zsh_completes_lists_with_commas_behind_a_space_or_an_equals_sign():
    script = script_of("zsh")
    assert re.search(r"'--ignore=\[[^']*\]:value:_values -s , word loss_mismatch ", script)
    assert "'--json[" in script


def in_fish(line, folder):
    """What fish offers behind a line, with what stands beside it."""
    program = f"{script_of('fish')}\ncomplete -C {line!r}"
    words = ["fish", "--no-config", "-c", program]
    return subprocess.run(words, capture_output=True, text=True, check=True, cwd=folder).stdout.splitlines()


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_offers_the_files_that_a_command_reads(here):
    (here / "notes.txt").touch()
    (here / "old").mkdir()
    assert in_fish("viz doctor ", here) == ["old/", "train.py"]
    assert in_fish("viz show ", here) == ["old/", "train.efz"]
    assert in_fish("viz draw --theme dark tr", here) == ["train.efz"]
    assert in_fish("viz doctor --json tr", here) == ["train.py"]
    assert in_fish("viz html train.efz --diff tr", here) == ["train.efz"]
    assert in_fish("viz run train.py tr", here) == ["train.efz", "train.py"]
    assert in_fish("viz run --live tr", here) == ["train.py"]
    assert in_fish("viz top -n ", here) == []


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_says_what_an_option_is_for_once_and_not_beside_each_value(here):
    assert in_fish("viz top --by ", here) == ["flops", "layer", "memory", "name", "source", "time"]
    assert in_fish("viz completion ", here) == ["bash", "fish", "zsh"]
    assert in_fish("viz doctor --ignore dead_relu,loss_sign,lo", here) == ["dead_relu,loss_sign,loss_mismatch"]
    (option,) = in_fish("viz top --b", here)
    assert option.startswith("--by\t")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_keeps_names_with_blanks_whole(here):
    (here / "my run.efz").touch()
    program = (
        f"{script_of('bash')}\nCOMP_WORDS=(viz show my); COMP_CWORD=2; _viz; "
        'echo "${#COMPREPLY[@]} ${COMPREPLY[0]}"; COMP_WORDS=(viz show --r); _viz; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout == "1 my run.efz\n--rank\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_options_behind_a_script_are_the_scripts(here):
    assert completed("bash", "viz run --stats basic --st", here) == ["--stats", "--steps"]
    assert completed("bash", "viz run --stats basic train.py --st", here) == []
    assert completed("bash", "viz run train.py --lr tr", here) == ["train.efz", "train.py"]
    assert completed("bash", "viz nonfinite train.efz --dr", here) == ["--draw"]  # a recording takes no options
    assert completed("bash", "viz top train.efz --by l", here) == ["layer"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_offers_no_options_of_ours_behind_a_script(here):
    assert [line.split("\t")[0] for line in in_fish("viz run --st", here)] == ["--stats", "--steps"]
    assert "basic" in in_fish("viz run --stats ", here)
    assert in_fish("viz run --stats basic train.py --st", here) == []


def test_zsh_ends_options_at_a_script():
    lines = script_of("zsh").splitlines()
    assert next(line for line in lines if line.startswith("    run) ")).startswith('    run) _arguments -A "-*" ')
    assert next(line for line in lines if line.startswith("    top) ")).startswith("    top) _arguments '")
