"""A step has one number and a line one rule, whichever command, picture or page speaks of them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from viz.cli import main

CHOSEN = (4, 6)  # of the eight steps of the training


def trained(**settings):
    ef.utils.set_random_seed(1)
    hidden = ef.layers.Dense(3, activation="relu")
    last = ef.layers.Dense(1)
    model = ef.Sequential([hidden, last], name="net")
    model.compile("sgd", "mse")
    with viz.trace("net", stats="basic", **settings) as t:
        model.fit(np.ones((32, 2), "float32"), np.ones((32, 1), "float32"), batch_size=4, verbose=0)
    return t


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("recordings")
    trained().save(place / "all.efz")
    trained(steps=CHOSEN).save(place / "some.efz")
    return place


@pytest.mark.parametrize(("file", "number", "name"), [("all", 0, "step 0 of 0–7"), ("some", 6, "step 6")])
def test_a_caption_names_the_number_that_step_takes(folder, monkeypatch, capsys, file, number, name):
    monkeypatch.chdir(folder)
    assert main(["draw", f"{file}.efz", "a.svg", "--step", str(number)]) == 0
    assert f">{name}  ·" in (folder / "a.svg").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["annotate", f"{file}.efz", "--step", str(number)]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: ")


@pytest.mark.parametrize("command", ["summary", "annotate", "gradients", "draw", "top", "memory"])
def test_a_position_is_no_number_where_steps_were_chosen(folder, monkeypatch, capsys, command):
    monkeypatch.chdir(folder)
    assert main([command, "some.efz", "--step", "1"]) == 2
    assert "step=1: the recording has the steps 4 and 6" in capsys.readouterr().err


def test_memory_tells_of_the_peak_within_one_step(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    kept = ef.ops.ones(1000)  # float32, there before
    with viz.trace() as t:
        for length in (10_000, 100, 1000):
            with viz.step():
                _ = kept + 0
                _ = ef.ops.ones(length) + 1
                del _
    t.save("a.efz")
    peaks = []
    for step in range(3):
        assert main(["memory", "a.efz", "--step", str(step)]) == 0
        assert f"in step {step} of 0–2, in " in capsys.readouterr().out
        use = t.memory(step)
        assert t.steps[step].start <= use.time <= t.steps[step].end
        peaks.append(use.peak)
    assert peaks[1] < peaks[2] < peaks[0] == t.memory().peak
    assert peaks[1] >= kept.numpy().nbytes


@pytest.mark.parametrize("command", ["summary", "annotate", "gradients", "draw", "top", "memory"])
def test_steps_lead_to_step_where_one_can_be_looked_at(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "a.efz", "--steps", "3-5"])
    assert "did you mean '--step'?\n" in capsys.readouterr().err


def test_two_steps_are_compared_by_their_numbers(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    main(["diff", "some.efz", "--steps", "4,6"])
    assert "step 4 → some.efz, step 6" in capsys.readouterr().out
    assert main(["diff", "some.efz", "--steps", "0,1"]) == 2
    assert "the recording has the steps 4 and 6" in capsys.readouterr().err


def test_commands_name_the_line_that_made_a_layer_where_fit_ran_it(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def lines_of(*arguments):
        main([*arguments])
        return set(re.findall(r"test_steps_and_lines\.py:(\d+)", capsys.readouterr().out))

    main(["top", "all.efz", "-n", "50", "--json"])
    rows = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["op"] == "dense"]
    first, second = sorted({row["source"].rpartition(":")[2] for row in rows}, key=int)
    assert int(second) == int(first) + 1
    assert {first, second} <= lines_of("memory", "all.efz")
    compared = lines_of("diff", "all.efz", "some.efz", "--steps", "0,4")
    assert compared
    assert compared <= {first, second}
    main(["perfetto", "all.efz", "a.json"])
    events = json.loads((folder / "a.json").read_text(encoding="utf-8"))["traceEvents"]
    found = {each["args"]["source"] for each in events if each.get("name") == "dense" and each["cat"] == "forward"}
    assert {source.rpartition(":")[2] for source in found} == {first, second}
