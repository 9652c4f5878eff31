"""Tables and sentences fit into the terminal that they are printed in, and are whole everywhere else."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import pytest

import eagerflow as ef
import viz
from viz.cli import main
from viz.facts.lines.room import folded, shortened, width
from viz.facts.text_table import Text, table

NUMBER = r"\d[\d,.]* (?:ms|µs|ns|s|B|KB|MB|k|M|%)(?=\s|$)"
TABLES = (
    ["show", "net.efz"],
    ["summary", "net.efz"],
    ["top", "net.efz"],
    ["top", "--by", "layer", "net.efz"],
    ["top", "--by", "memory", "net.efz"],
    ["memory", "net.efz"],
    ["gradients", "net.efz"],
    ["annotate", "net.efz"],
    ["diff", "net.efz", "other.efz"],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings of two networks with long names, one of them Japanese."""
    place = tmp_path_factory.mktemp("recordings")
    ef.utils.set_random_seed(1)
    for file, rate in (("net", 0.1), ("other", 0.2)):
        first = ef.layers.Dense(300, activation="relu", name="the_first_of_the_dense_layers")
        model = ef.Sequential([first, ef.layers.Dense(1, name="最後の層")], name="a_network_with_a_long_name")
        model.compile(ef.optimizers.SGD(rate), "mse")
        with viz.trace(file, stats="basic") as t:
            model.fit(ef.ops.ones((8, 3)).numpy(), ef.ops.ones((8, 1)).numpy(), batch_size=4, verbose=0)
        t.save(place / f"{file}.efz")
    return place


@pytest.fixture
def terminal(monkeypatch, capsys, folder):
    """Gives what a command prints in a terminal of some width."""
    monkeypatch.chdir(folder)

    def shown(arguments, columns):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: columns is not None)
        monkeypatch.setenv("COLUMNS", str(columns or 80))
        monkeypatch.setenv("NO_COLOR", "1")
        main(arguments)
        return capsys.readouterr().out

    return shown


@pytest.mark.parametrize("arguments", TABLES, ids=" ".join)
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(arguments, terminal):
    whole = terminal(arguments, None)
    numbers = set(re.findall(NUMBER, whole))
    for columns in (120, 80, 60, 40):
        lines = terminal(arguments, columns).splitlines()
        assert [line for line in lines if width(line) > columns and len(line.split()) > 1] == []  # paths stay whole
        if arguments[0] != "annotate":  # whose code is cut
            assert {number for line in lines if "…" in line for number in re.findall(NUMBER, line)} <= numbers
    assert terminal(arguments, None) == whole
    assert "no room for" not in whole


def test_the_least_important_columns_are_left_out_and_named(terminal):
    lines = terminal(["summary", "net.efz"], 60).splitlines()
    assert lines[1 if lines[1].startswith("layer") else 2].split()[:2] == ["layer", "output"]
    (said,) = [line for line in lines if line.startswith("(no room for: ")]
    assert "ops" in said
    assert "activation" in said
    assert "最後の層 (Dense)" in "\n".join(lines)


def test_what_it_is_sorted_by_stays(terminal):
    for by in ("memory", "time"):
        head = terminal(["top", "--by", by, "net.efz"], 50).splitlines()[0].split()
        assert by in head
        assert head[0] == "op"


@pytest.mark.parametrize("command", ["", "diff", "run"])
def test_help_fits(command, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("NO_COLOR", "1")  # Python colours help since 3.14
    with pytest.raises(SystemExit):
        main([command, "--help"] if command else ["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 70
    if not command:
        assert "  viz nonfinite train.py                where NaN begins" in lines


def test_names_lose_their_middle_and_paths_their_beginning():
    assert shortened("encoder/multi_head_attention", 20) == "encoder/mu…attention"
    assert shortened("  dense_1 (Dense)", 12) == "  dense…nse)"
    assert shortened("/home/me/train.py:12", 12, at_start=True) == "…train.py:12"
    assert width(shortened("畳み込み層の名前はとても長い", 11)) <= 11
    assert shortened("short", 5) == "short"


def test_a_layer_loses_its_class_before_a_part_of_its_name(monkeypatch):
    names = [
        "sequential (Sequential)",
        "  dense_1 (Dense)",
        "  shared_dense (Dense) ×2",
        "a_loss_with_a_long_name (Loss)",
    ]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "25")
    shown = str(Text.of([table(["layer", "n"], [[name, "1"] for name in names])])).splitlines()[2:]
    assert [line.rpartition(" ")[0].rstrip() for line in shown] == [
        "sequential",
        "  dense_1 (Dense)",
        "  shared_dense ×2",
        "a_loss_with…_long_name",
    ]


def test_wide_signs_count_for_two():
    shown = str(table(["name", "n"], [["畳み込み", "1"], ["ab", "22"]])).splitlines()
    assert {width(line) for line in shown} == {12}
    assert width("e\u0301") == 1


def test_sentences_fold_at_blanks_and_lists_below_themselves():
    assert folded("one two three", 8) == "one two\nthree"
    assert folded("  viz top a.efz     what costs most of all of it", 44) == (
        "  viz top a.efz     what costs most of all\n                    of it"
    )
    assert folded("層の 名前 層の", 9) == "層の 名前\n層の"
    assert folded("  最後の層/kernel  300×1 f32 and some more words", 44) == (
        "  最後の層/kernel  300×1 f32 and some more\n                   words"
    )
    assert folded("one two three", None) == "one two three"


def test_text_is_whole_where_it_is_written_to_a_file(monkeypatch):
    text = Text.of(["a sentence that is longer than that", table(["name", "size"], [["a" * 40, "1"]])])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    file = io.StringIO()
    file.write(text)
    assert "a" * 40 in file.getvalue()
    assert max(map(width, str(text).splitlines())) <= 30


def test_old_encodings_keep_their_columns_aligned():
    program = (
        "import sys; sys.stdout.isatty = lambda: True\n"
        "from viz.facts.text_table import Text, table\n"
        "print(Text.of([table(['name', 'size'], [['a' * 50, '1'], ['b', '22']])]))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "40"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    lines = done.stdout.splitlines()
    assert {len(line) for line in lines} == {40}
    assert "..." in lines[2]
