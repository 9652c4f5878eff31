"""The benchmarks run: every workload trains and predicts, tables show the right ratios."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from benchmarks import aims, applications, floors, growth, page, report, short_page
from benchmarks.kernels import kernel_table
from benchmarks.machine import AVX2, HELD, clean_environment
from benchmarks.rotation import Figures, rotate
from benchmarks.runs import Run
from benchmarks.workloads.by_eagerflow import Eagerflow
from benchmarks.workloads.data import WORKLOADS
from benchmarks.workloads.kernels import KERNELS

PARAMETERS = {
    "mlp": 669_706,
    "tiny": 3265,
    "convnet": 1_199_882,
    "lstm": 328_353,
    "gru": 326_369,
    "bidirectional": 332_737,
    "resnet": 224_394,
    "mobilenet": 67_914,
    "transformer": 752_833,
    "autoencoder": 74_497,
    "conv3d": 14_634,
}


def small(name: str):
    return dataclasses.replace(WORKLOADS[name], batch=2, steps=2)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_trains_and_predicts(name):
    runner = Eagerflow(small(name))
    assert runner.parameters() == PARAMETERS[name]
    before = [v.numpy() for v in runner.model.trainable_variables]
    runner.fit()
    runner.train(1)
    assert all((v.numpy() != b).any() for v, b in zip(runner.model.trainable_variables, before))
    runner.infer(1)
    found = runner.predict()
    assert len(found) == 4
    assert np.isfinite(found).all()


def test_networks_are_compared_by_processes_that_take_turns(monkeypatch):
    asked = []

    class Worker(applications.Worker):
        def __init__(self, python, who, threads):
            self.who = who

        def ask(self, *question):
            asked.append((self.who, *question))
            return {"eagerflow": 1.0, "keras": 4.0}[self.who]

        def end(self):
            asked.append((self.who, "ended"))

    monkeypatch.setattr(applications, "Worker", Worker)
    rows = applications.compare("python", ["MobileNet"], [1, 32], rounds=2, threads=1)
    assert [row["what"] for row in rows] == ["build", "predict", "predict"]
    assert asked.count(("keras", "predict", 32)) == asked.count(("eagerflow", "predict", 32)) == 3
    assert asked[-2:] == [("eagerflow", "ended"), ("keras", "ended")]
    shown = applications.applications_table(rows)
    assert "predict, 32 images, one core" in shown
    assert "0.25/0.25" in shown


def test_a_worker_builds_a_network_and_predicts():
    worker = applications.Worker(sys.executable, "eagerflow", 1)
    try:
        assert worker.ask("build", "MobileNet") > 0
        assert worker.ask("predict", 1) > 0
    finally:
        worker.end()


def test_every_process_has_the_same_data():
    first, second = small("lstm").arrays(), small("lstm").arrays()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def figures(*seconds: float, parameters: int = 10, memory: int = 1 << 20) -> Figures:
    found = Figures(parameters=parameters, memory=memory)
    found.times["fit"] = list(seconds)
    return found


RESULTS = {
    "mlp": {"eagerflow": figures(1.0, 2.0, 3.0), "torch": figures(4.0, 4.0, 4.0, memory=1 << 19)},
    "gru": {"eagerflow": figures(1.0, 8.0, 9.0), "torch": figures(1.0, 1.0, 1.0)},
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_ratios_are_ours_over_theirs():
    found = RESULTS["mlp"]
    assert report.ratio(found, "torch", "fit") == 0.5
    assert report.ratio(found, "torch", "fit", "best") == 0.25
    assert report.ratio(found, "torch", "train") is None
    assert report.ratio(found, "keras-jax", "fit") is None


def test_the_table_ends_with_geometric_means():
    lines = report.ratio_table([RESULTS], ["torch", "torch-compile", "keras-jax"]).splitlines()
    assert cells(lines[2]) == ["mlp", "fit", "0.25/0.50", "", "", "0.8"]
    assert cells(lines[-1]) == ["geometric mean", "fit", "2.00", "", "", ""]
    assert len({len(line) for line in lines}) == 1


def test_runs_stand_side_by_side():
    lines = report.ratio_table([RESULTS, {"mlp": RESULTS["gru"]}], ["torch"]).splitlines()
    assert cells(lines[2]) == ["mlp", "fit", "0.25/0.50 · 1.00/8.00", "0.8"]
    assert cells(lines[3]) == ["gru", "fit", "1.00/8.00 · –", "0.6"]
    assert cells(lines[4]) == ["geometric mean", "fit", "2.00 · 8.00", ""]


def test_the_fastest_backend_of_keras_has_a_column():
    found = {"mlp": {"eagerflow": figures(4.0), "keras-jax": figures(2.0), "keras-torch": figures(8.0)}}
    lines = report.ratio_table([found], ["keras-jax", "keras-torch"]).splitlines()
    assert cells(lines[0])[3:5] == ["keras-torch", "best Keras"]
    assert cells(lines[2])[2:5] == ["2.00/2.00", "0.50/0.50", "2.00"]


def test_unlike_models_and_errors_are_told():
    found = {"mlp": {"eagerflow": figures(1.0), "torch": figures(parameters=11), "keras-jax": Figures(error="no")}}
    assert report.failures(found) == ["keras-jax, mlp: no", "mlp: unlike models: {'eagerflow': 10, 'torch': 11}"]


# -- runs, aims and the page


def run(**also: object) -> Run:
    return Run({"processor": "X"}, {"one core": RESULTS}, {}, {k: {"text": k, "figures": v} for k, v in also.items()})


def test_a_run_is_the_same_from_its_file(tmp_path):
    run(busy=[{"peer": "eagerflow"}]).save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == run(busy=[{"peer": "eagerflow"}])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": {"one core": 3}}', '{"results": {}, "other": 1}'])
def test_another_file_is_no_run(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match="expected a file that"):
        Run.load(tmp_path / "run.json")


def test_parts_of_a_run_are_joined():
    first = Run({"load": "0"}, {"one core": {"mlp": {"torch": Figures({"fit": [1.0], "infer": []}, 5, 10)}}})
    second = Run(
        {"load": "1"},
        {"one core": {"mlp": {"torch": Figures({"fit": [], "infer": [2.0]})}, "gru": {}}},
        {"torch": {"first": 3.0}},
        {"growth": {"text": "growth", "figures": None}},
    )
    joined = first.joined(second)
    assert joined.results["one core"]["mlp"]["torch"] == Figures({"fit": [1.0], "infer": [2.0]}, 5, 10)
    assert joined.also == second.also
    assert joined.startup == second.startup
    assert first.results["one core"]["mlp"]["torch"].times["infer"] == []


def aim(what: str, of: list[aims.Aim]) -> list[str]:
    return next(each.row() for each in of if each.what == what)


def test_medians_of_steps_are_compared_with_their_aims():
    found = aims.step_aims([run(), run()])
    assert aim("mlp: PyTorch", found) == ["mlp: PyTorch", "0.8", "0.50 · 0.50", "", "", "", "met"]
    assert aim("gru: PyTorch", found)[2:] == ["**8.00** · **8.00**", "", "", "", "missed"]
    assert aim("geometric mean of these without mobilenet", found)[2] == "**2.00** · **2.00**"
    assert len(found) == 3


def test_the_best_backend_of_keras_has_aims():
    results = {"mlp": {"eagerflow": figures(3.0), "keras-jax": figures(2.0), "keras-torch": figures(9.0)}}
    found = aims.step_aims([Run({}, {"all cores": results})])
    assert aim("mlp: best Keras", found)[2:] == ["", "", "1.50", "", "met"]
    assert aim("geometric mean: best Keras", found)[4:] == ["**1.50**", "", "missed"]


def test_the_largest_ratio_of_memory_and_among_busy_programs_is_named():
    busy = [
        {"workload": "mlp", "peer": "eagerflow", "alone": 1.0, "among": 2.0},
        {"workload": "gru", "peer": "eagerflow", "alone": 1.0, "among": 4.0},
        {"workload": "mlp", "peer": "torch", "alone": 1.0, "among": 9.0},
    ]
    memory, slower = aims.other_aims([run(busy=busy)])
    assert memory.row()[1:] == ["1", "**2.00** (mlp)", "", "missed"]
    assert slower.row()[1:] == ["3", "", "**4.00** (gru)", "missed"]


def test_an_aim_may_be_met_in_some_runs_only():
    one, other = (
        Run({}, {}, {p: {"first": s} for p, s in each.items()})
        for each in ({"eagerflow": 1, "torch": 5}, {"eagerflow": 1, "torch": 2})
    )
    assert [each.row()[3:] for each in aims.other_aims([one, other])] == [["0.20 · **0.50**", "in part"]]


def test_each_kernel_falls_under_one_aim():
    classes = {str(kernel): aims.class_of(kernel) for kernel in KERNELS}
    wide = [name for name, found in classes.items() if "64 to 256" in found]
    assert wide == [
        "conv 64×32×32×64, 3×3×64×64, pad 1",
        "conv 32×16×16×128, 3×3×128×128, pad 1",
        "conv 64×8×8×256, 3×3×256×256, pad 1",
        "conv 4×112×112×64, 3×3×64×64, pad 1",
    ]
    assert [name for name, found in classes.items() if "32 channels" in found] == [
        "conv 128×26×26×32, 3×3×32×64",
        "conv 64×32×32×32, 3×3×32×32, pad 1",
    ]
    assert sum("depthwise" in found for found in classes.values()) == 3


def kernel_figures(ours: float) -> dict[str, object]:
    names = ["relu 64×32×32×64", "depthwise 64×32×32×64, 3×3×64×1, pad 1"]
    times = {"eagerflow": {"forward": ours, "both": 3.0}, "torch": {"forward": 1.0, "both": 1.0}}
    return {"rows": [{"name": name, "share": "1 GB/s, 3%", **times} for name in names]}


def test_kernels_are_compared_with_their_aims():
    found = aims.kernel_aims([run(kernels=kernel_figures(1.5)), run(kernels=kernel_figures(2.5))])
    depthwise, others = (each.row() for each in found)
    assert depthwise[1] == "4"
    assert depthwise[-1] == "met"
    assert others[2:4] == ["1.50 · **2.50** (relu 64×32×32×64)", "**3.00** · **3.00** (relu 64×32×32×64)"]
    assert others[-1] == "in part"


def test_kernels_of_runs_stand_side_by_side():
    lines = kernel_table([kernel_figures(1.5), kernel_figures(2.5)]).splitlines()
    assert cells(lines[2])[1:] == ["2.5e+03, 1e+03", "1.50 · 2.50", "3e+03, 1e+03", "3.00 · 3.00", "1 GB/s, 3%"]
    assert cells(lines[-1]) == ["geometric mean", "", "1.50 · 2.50", "", "3.00 · 3.00", ""]


def test_every_kernel_computes_or_moves_something():
    assert all(kernel.operations() > 0 or kernel.moved() > 0 for kernel in KERNELS)


def test_the_page_shows_aims_first_and_losses_too():
    text = page.page([run(growth=None), run()])
    assert text.index("gru: PyTorch") < text.index("- processor: X") < text.index("1.00/8.00")
    assert "```text\ngrowth" in text
    assert "0 of 4 aims" not in text
    assert "1 of 4 aims are met" in text


def test_the_short_page_shows_where_others_are_faster():
    text = short_page.short_page([run(growth=None, kernels=kernel_figures(1.5)), run()], "In words.")
    against_torch = text.index("## Against PyTorch")
    assert cells(next(line for line in text[against_torch:].splitlines() if line.startswith("| gru")))[1] == "**8.00**"
    assert "In words." in text
    assert "relu" not in text  # single kernels stand in the report
    assert "**1.50**" in next(line for line in text.splitlines() if line.startswith("| all other kernels"))
    assert "- processor: X" in text


def test_the_short_page_begins_with_how_fast_it_is_beside_pytorch():
    text = short_page.short_page([Run({}, {"one core": FAST}, {}, {})])
    assert text.startswith("# Benchmarks\n\n**How fast is it?** In the mean over all networks, training takes 1.00 of")
    first = " ".join(text.split("\n\n")[1].split())
    assert "with compiled kernels and captured steps 0.25" in first
    assert first.endswith("of gru with 2.00.")
    shipped = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    on_all, held = " ".join(shipped.split("\n\n")[1].split()).split("Held to AVX2: ")
    assert "with AVX-512, training takes" in on_all
    for row, said in (("| PyTorch: AVX-512", on_all), ("| PyTorch: held to AVX2", held)):
        (means,) = [cells(line) for line in shipped.splitlines() if line.startswith(row)]
        plain, fast = ([each.split(" → ")[at].strip("*") for each in means[1:]] for at in (0, 1))
        for figures_of in (plain, fast):
            training, answering = ([*figures_of[:2], *figures_of[3:5]], figures_of[2::3])
            for each in (training, answering):
                assert f"{min(each)} to {max(each)}" in said


def test_the_short_page_is_written_into_the_documentation(tmp_path):
    page.write_page([run(growth=None)], tmp_path)
    short = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert short_page.SLOWER.read_text(encoding="utf-8").strip() in short


FAST = {
    "mlp": {"eagerflow": figures(2.0), "eagerflow-fast": figures(1.0), "torch": figures(4.0)},
    "gru": {"eagerflow": figures(2.0), "torch": figures(1.0)},
}


def test_compiled_and_captured_stands_in_our_place():
    rows = {"rows": [{**row, "eagerflow-fast": {"forward": 0.5, "both": 4.0}} for row in kernel_figures(1.5)["rows"]]}
    both = Run({}, {"one core": FAST}, {}, {"kernels": {"figures": rows}, "growth": {"figures": None}})
    fast = both.as_fast()
    assert fast.results == {"one core": {"mlp": {"eagerflow": figures(1.0), "torch": figures(4.0)}}}
    assert [row["eagerflow"] for row in fast.figures("kernels")["rows"]] == [{"forward": 0.5, "both": 4.0}] * 2
    assert "growth" not in fast.also
    assert both.peers() == fast.peers() == ["torch"]
    assert run().as_fast() is None


def test_compiled_and_captured_has_limits_of_its_own():
    results = {"mlp": {"eagerflow": figures(3.4), "torch": figures(4.0)}}
    results["mlp"]["eagerflow"].times["infer"] = [3.0]
    results["mlp"]["torch"].times["infer"] = [2.0]
    found = aims.step_aims([Run({}, {"one core": results})], aims.COMPILED)
    assert aim("mlp: PyTorch", found)[1:3] == ["0.8", "**0.85**"]
    assert aim("geometric mean of these", found)[1:3] == ["0.42", "**0.85**"]
    inference = aims.inference_aims([Run({}, {"one core": results})], aims.COMPILED)
    assert aim("mlp: PyTorch", inference)[1:4] == ["1", "", "**1.50**"]
    assert aims.inference_aims([run()], aims.PLAIN) == []


def test_pages_show_what_compiling_and_capturing_bring_on_each_kind_of_processor():
    one = Run({"instructions": "NumPy AVX-512"}, {"one core": FAST})
    other = Run({"instructions": "NumPy AVX2 (held to AVX2)"}, {"one core": FAST})
    short = short_page.short_page([one, other])
    assert "## Against PyTorch: AVX-512" in short
    assert "Held to AVX2: 1.00; with both 0.25." in " ".join(short.split("\n\n")[1].split())
    held = short[short.index("## Against PyTorch: held to AVX2") :].splitlines()
    assert cells(next(line for line in held if line.startswith("| mlp")))[1] == "0.50 → 0.25"
    assert cells(next(line for line in held if line.startswith("| gru")))[1] == "**2.00**"
    text = page.page([one, other])
    assert "## Aims, held to AVX2, compiled kernels and captured steps" in text
    assert "one core, AVX-512, compiled kernels and captured steps" in text


def test_who_is_held_to_avx2_says_so_to_every_library(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "SkylakeX")
    assert "OPENBLAS_CORETYPE" not in clean_environment()
    monkeypatch.setenv(HELD, "avx2")
    assert clean_environment().items() >= AVX2.items()


def test_a_page_of_nothing_but_growth():
    assert "```text\ngrowth\n```" in page.page([Run(also={"growth": {"text": "growth", "figures": None}})])


def test_floors_of_a_step_are_those_of_its_operations(monkeypatch, capsys):
    monkeypatch.setattr(floors, "measured_machine", lambda clock: floors._Machine(1e6, 1e12))
    floors.show(["tiny"], process_time)
    first, _, head, _, row = capsys.readouterr().out.splitlines()
    assert first.startswith("A large product makes 0 GFLOP/s here, a copy moves 1000.0 GB/s")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == len(head.strip("|").split("|"))
    assert cells[0] == "tiny"
    assert float(cells[3]) > float(cells[2])  # on so slow a machine it would take longer
    assert "dense ∇" in cells[4]


def test_floors_stand_beside_each_other_for_each_set_of_instructions():
    told = "NumPy AVX2, PyTorch AVX2 (held to AVX2)", "NumPy AVX-512"
    runs = [Run({"instructions": n}, also={"floors": {"text": n, "figures": None}}) for n in told]
    shown = page.page(runs)
    assert shown.count("## What a captured step is made of") == 1
    assert f"**held to AVX2.** {told[0]}" in shown
    assert f"**AVX-512.** {told[1]}" in shown


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponents_are_fitted_to_the_larger_half(power):
    points = [(1.0, 100.0), (2.0, 100.0), *[(float(n), 3 * n**power) for n in (10, 100, 1000)]]
    assert growth.exponent(points) == pytest.approx(power)


@pytest.mark.slow
def test_a_contender_answers_from_its_own_process():
    found = rotate(small("tiny"), {"eagerflow": sys.executable}, None, 0.0, ["train", "predict"])
    assert found["eagerflow"].error is None
    assert found["eagerflow"].parameters == PARAMETERS["tiny"]
    assert len(found["eagerflow"].times["train"]) >= 3
    assert min(found["eagerflow"].times["predict"]) > 0
