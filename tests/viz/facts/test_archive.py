from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from tests.sources import ROOT
from viz.facts import archive
from viz.facts.columns import Damaged, check_nesting
from viz.facts.overview import overview
from viz.facts.schema import Logs, Op, Record, TensorInfo
from viz.facts.tables.summary import describe

HOSTILE = '</script>"\n é 日本 \ud800 \x00'


def rewritten(source, target, change):
    """A copy of a trace whose parts `change(header, columns)` has changed."""
    with zipfile.ZipFile(source) as old:
        header = json.loads(old.read("trace.json"))
        columns = dict(np.load(io.BytesIO(old.read("columns.npz"))))
    change(header, columns)
    packed = io.BytesIO()
    np.savez(packed, **columns)
    with zipfile.ZipFile(target, "w") as new:
        new.writestr("trace.json", json.dumps(header))
        new.writestr("columns.npz", packed.getvalue())
    return target


@pytest.fixture
def saved(steps, tmp_path):
    return steps.save(tmp_path / "steps.efz")


def test_what_is_saved_is_loaded(steps, saved):
    loaded = viz.load(saved)
    assert isinstance(loaded, viz.Recording)
    assert loaded.ops == steps.ops
    assert loaded.tensors == steps.tensors
    assert loaded.storages == steps.storages
    assert loaded.scopes == steps.scopes
    assert loaded.steps == steps.steps
    assert loaded.meta == steps.meta
    assert loaded.reads == steps.reads
    assert loaded.summary() == steps.summary()
    assert loaded.draw().source == steps.draw().source


@pytest.fixture
def branching(tmp_path):
    with viz.trace() as t:
        if ops.sum(ops.ones(3)) > 2:
            float(ops.exp(1.0))
    return t, t.save(tmp_path / "branching.efz")


@pytest.mark.parametrize(("ending", "cure"), [(".html", "to_html(path)"), (".PNG", "draw().save(path)")])
def test_pages_and_pictures_are_no_recordings(steps, tmp_path, ending, cure):
    with pytest.raises(ValueError, match=re.escape(f".efz. Write {cure}.")):
        steps.save(tmp_path / f"step{ending}")
    assert not list(tmp_path.iterdir())


def test_what_python_read_is_saved(branching):
    t, saved = branching
    assert len(t.reads) == 2
    assert viz.load(saved).reads == t.reads


@pytest.mark.parametrize(
    "row", [[99, "float", 0], [-1, "float", 0], [0, 3, 0], [True, "float", 0], [0, "float", 99], 3]
)
def test_damaged_readings_are_refused(branching, tmp_path, row):
    damaged = rewritten(branching[1], tmp_path / "damaged.efz", lambda header, columns: header.update(reads=[row]))
    with pytest.raises(viz.TraceFileError):
        viz.load(damaged)


def test_empty_recordings_and_hostile_names_survive(tmp_path):
    with viz.trace(HOSTILE) as t:
        pass
    assert viz.load(t.save(tmp_path / "a")).name == HOSTILE
    record = Record(ops=[Op(0, HOSTILE, settings={HOSTILE: [1, {"a": None}]}, outputs=(0,), error=HOSTILE)])
    record.tensors.append(TensorInfo(0, (), "float32", 4, name=HOSTILE, producer=0))
    record.logs.append(Logs("epoch", 0, {"loss": float("inf")}))
    archive.write(record, tmp_path / "b")
    assert archive.read(tmp_path / "b") == record


def test_loading_needs_nothing_of_the_model(saved):
    code = (
        "import sys, viz; t = viz.load(sys.argv[1]); t.summary(); t.draw(); "
        "assert not {'eagerflow.layers', 'eagerflow.models', 'pygraphviz'} & set(sys.modules); print(len(t.ops))"
    )
    done = subprocess.run([sys.executable, "-c", code, saved], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 10


def test_writing_is_all_or_nothing(steps, saved, tmp_path, monkeypatch):
    before = saved.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(archive.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        steps.save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["steps.efz"]


def test_a_missing_folder_is_named(steps, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder .* doesn.t exist"):
        steps.save(tmp_path / "nowhere" / "t.efz")
    with pytest.raises(FileNotFoundError):
        viz.load(tmp_path / "nothing.efz")


@pytest.mark.parametrize(("version", "cure"), [(99, "Install a newer eagerflow"), (7, "Record it again")])
def test_a_file_of_another_version_names_both_versions(saved, tmp_path, version, cure):
    def change(header, columns):
        header["version"] = version

    with pytest.raises(viz.TraceFileError, match=f"version {version}.*reads version 9. {cure}"):
        viz.load(rewritten(saved, tmp_path / "new.efz", change))


def test_something_else_is_no_trace(saved, tmp_path):
    text = tmp_path / "a.efz"
    text.write_text("hello", encoding="utf-8")
    with pytest.raises(viz.TraceFileError, match="not a recording"):
        viz.load(text)
    other = tmp_path / "b.efz"
    with zipfile.ZipFile(other, "w") as new:
        new.writestr("../evil.py", "")
    with pytest.raises(viz.TraceFileError, match=r"it holds \['../evil.py'\]"):
        viz.load(other)

    def change(header, columns):
        header["kind"] = "photo"

    with pytest.raises(viz.TraceFileError, match="its kind is 'photo'"):
        viz.load(rewritten(saved, tmp_path / "c.efz", change))


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.5, 0.9, 0.99])
def test_files_cut_short_are_refused(saved, tmp_path, keep):
    content, cut = saved.read_bytes(), tmp_path / "cut.efz"
    cut.write_bytes(content[: keep if keep >= 1 else int(keep * len(content))])
    with pytest.raises(viz.TraceFileError):
        viz.load(cut)


def test_flipped_bytes_are_refused_or_harmless(saved, tmp_path):
    content = bytearray(saved.read_bytes())
    rng = np.random.default_rng(0)
    flipped, harmless = tmp_path / "flipped.efz", []
    for at in rng.integers(0, len(content), 150):
        changed = bytearray(content)
        changed[at] ^= 0x55
        flipped.write_bytes(changed)
        with contextlib.suppress(viz.TraceFileError):
            harmless.append(viz.load(flipped).summary())
    assert len(harmless) < 50  # of bytes that nothing reads


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("missing column", lambda header, columns: columns.pop("Op.start")),
        ("column of another length", lambda header, columns: columns.update({"Op.start": np.zeros(2, int)})),
        ("column of another type", lambda header, columns: columns.update({"Op.start": np.zeros(2)})),
        ("column of more dimensions", lambda header, columns: columns.update({"Op.start": np.zeros((2, 2), int)})),
        ("text out of the table", lambda header, columns: columns["Op.name"].fill(10**6)),
        ("negative text", lambda header, columns: columns["Op.name"].fill(-5)),
        ("tensor out of range", lambda header, columns: columns["Op.inputs"].fill(10**6)),
        ("lists cut wrongly", lambda header, columns: columns["Op.inputs@"].fill(3)),
        ("scope out of range", lambda header, columns: columns["Op.scope"].fill(1000)),
        ("unknown phase", lambda header, columns: header["texts"].__setitem__(slice(None), ["x"] * 500)),
        ("no counts", lambda header, columns: header.pop("counts")),
        ("scope within a later one", lambda header, columns: columns["Scope.parent"].fill(3)),
        ("scopes of another kind", lambda header, columns: columns.update({"Scope.kind": np.zeros(2)})),
        ("meta of another kind", lambda header, columns: header.update(meta=3)),
    ],
)
def test_damaged_parts_are_refused(saved, tmp_path, name, change):
    with pytest.raises(viz.TraceFileError):
        viz.load(rewritten(saved, tmp_path / "damaged.efz", change))


def test_pickles_are_never_loaded(saved, tmp_path):
    def change(header, columns):
        columns["Op.start"] = np.array([print], dtype=object)

    with pytest.raises(viz.TraceFileError):
        viz.load(rewritten(saved, tmp_path / "pickle.efz", change))


def test_bombs_are_refused(saved, tmp_path):
    with pytest.raises(viz.TraceFileError, match=r"more than the limit of 1,000.*viz\.load\(path, limit="):
        viz.load(saved, limit=1000)
    deep = tmp_path / "deep.efz"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(deep, "w") as new:
        new.writestr("trace.json", "[" * 100_000 + "]" * 100_000)
        new.writestr("columns.npz", old.read("columns.npz"))
    with pytest.raises(viz.TraceFileError, match="nests 100000 deep"):
        viz.load(deep)


def test_a_backward_op_leads_to_an_earlier_one(tmp_path):
    ops = [Op(0, "tanh", "backward", forward=1), Op(1, "tanh", "backward", forward=0)]
    with pytest.raises(viz.TraceFileError, match="damaged"):
        viz.load(archive.write(Record(ops=ops), tmp_path / "circle.efz"))


def test_a_loaded_recording_tells_what_it_told_in_memory(steps, saved, branching, tmp_path):
    with viz.trace("bad") as failed, contextlib.suppress(ValueError):
        ops.matmul(ops.ones((2, 3)), ops.ones((2, 3)))
    for record, path in ((steps, saved), branching, (failed, failed.save(tmp_path / "failed.efz"))):
        assert overview(viz.load(path)) == overview(record)
        assert describe(viz.load(path)) == describe(record)


def test_show_loads_neither_eagerflow_nor_what_draws(saved):
    program = "import sys, viz.cli; viz.cli.main(['show', sys.argv[1]]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, saved], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "viz.facts.overview" in loaded
    assert not loaded & {"eagerflow", "viz.recording", "viz.picture", "viz.page"}


def test_settings_of_a_layer_are_written_once(tmp_path):
    model = ef.Sequential([ef.layers.Dense(2) for _ in range(3)])
    with viz.trace() as t:
        for _ in range(50):
            model(ops.ones((1, 2)))
    with zipfile.ZipFile(t.save(tmp_path / "a.efz")) as file:
        written = file.read("trace.json").count(b"kernel_initializer")
    assert written <= 2 * 4  # of three layers, and of the model that holds them
    assert viz.load(tmp_path / "a.efz").scopes == t.scopes


@pytest.mark.parametrize("text", ["a\\", '"', "[[{", '\\"[', 'x"]]', "\n[€", "\\\\"])
@pytest.mark.parametrize("depth", [0, 1, 99, 100, 101])
def test_nesting_is_counted_outside_of_texts(text, depth):
    value = text
    for i in range(depth):
        value = [value] if i % 2 else {'k["\\': value, "l]": 1}
    nested = json.dumps(value).encode()
    if depth <= 100:
        check_nesting(nested)
    else:
        with pytest.raises(Damaged, match=f"nests {depth} deep"):
            check_nesting(nested)


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "net.efz"
    path.write_bytes(b"PK")

    def refuse(*arguments, **settings):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("zipfile.ZipFile", refuse)
    with pytest.raises(PermissionError, match=r"may not be read"):
        viz.load(path)
