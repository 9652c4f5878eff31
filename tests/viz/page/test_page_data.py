"""The interactive page, without a browser: its data and its document."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html.parser
import json
import os
import pathlib
import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.core import observe
from tests.viz.nets import Trainer, mlp
from viz import page
from viz.cli import main
from viz.facts.derived_stats import norm
from viz.facts.json_data import finite
from viz.facts.schema import Op, Record, Scope, Stats, Step, Storage, TensorInfo
from viz.facts.tables.summary import rows
from viz.page import document, modules
from viz.page.smaller_record import cut
from viz.page.stats_column import stats_column

HOSTILE = (
    "</script><script>document.title='pwned'</script>\"'&<img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>\u2028\u2029",
    "\u202ertl \u05d0\u05d1",
    "🦆" * 20,
    "x" * 10_000,
    "\ud800 half a pair",
    "__proto__",
    "",
)


class Parts(html.parser.HTMLParser):
    """The elements of a document, as a browser would see them."""

    def __init__(self, document):
        super().__init__()
        self.tags, self.texts, self.open = [], {}, None
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open = len(self.tags) - 1

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open is not None:
            self.texts[self.open] = self.texts.get(self.open, "") + data

    def of(self, tag):
        return [(attrs, self.texts.get(i, "")) for i, (name, attrs) in enumerate(self.tags) if name == tag]


def embedded(document):
    """The data in a page."""
    attrs, text = next((a, t) for a, t in Parts(document).of("script") if a.get("id") == "recording")
    content = json.loads(text)
    return json.loads(gzip.decompress(base64.b64decode(content))) if attrs.get("data-packed") else content


def long_record(steps: int, per_step: int) -> Record:
    """Steps of ops that each read what the one before made."""
    record = Record(meta={"name": "long"})
    for index in range(steps):
        record.scopes.append(Scope(index, "step", f"step {index}"))
        record.steps.append(Step(index, index))
        for _ in range(per_step):
            id_ = len(record.ops)
            record.tensors.append(TensorInfo(id_, (2,), "float32", 8, producer=id_, storage=id_))
            record.storages.append(Storage(id_, 8, id_, id_ + 1))
            record.ops.append(
                Op(id_, "tanh", scope=index, step=index, inputs=(id_ - 1,) if id_ else (), outputs=(id_,))
            )
    return record


def test_the_data_is_json_and_holds_every_op_scope_and_tensor(steps):
    data = json.loads(json.dumps(page.data(steps), allow_nan=False))
    texts = data["texts"]
    assert [texts[i] for i in data["ops"]["name"]] == [op.name for op in steps.ops]
    assert [texts[i] for i in data["scopes"]["name"]] == [scope.name for scope in steps.scopes]
    assert [tuple(data["shapes"][i]) for i in data["tensors"]["shape"]] == [t.shape for t in steps.tensors]
    assert {len(column) for column in data["ops"].values()} == {len(steps.ops)}
    assert data["step"] == 1
    assert len(data["steps"]) == 2
    assert data["total_ops"] == len(steps.ops)


def test_statistics_in_columns_are_those_of_each_tensor_to_seven_digits_and_values_to_five():
    drawn = np.random.default_rng(0)
    numbers = (drawn.normal(size=400) * 10.0 ** drawn.integers(-40, 40, 400)).tolist()
    odd = [0.0, -0.0, 1.0, 1000.0, 9.99999951, 1e300, 5e-324, 123456789.0, -0.1, np.inf, -np.inf]
    tensors = [TensorInfo(0, (2, 3), "float32", 24), TensorInfo(1, (0,), "float32", 0, stats=Stats(nan=4))]
    tensors.append(TensorInfo(2, (5,), "float32", 20, stats=Stats(-1.0, 1e308, 1e308, 1e308, 1, 2)))
    for a in numbers + odd:
        stats = Stats(a, a / 3, a / 7, abs(a) / 11, 1, 0, None, 2, (1, 2), (a, np.nan, np.inf))
        tensors.append(TensorInfo(len(tensors), (6,), "float32", 24, stats=stats))
    tensors.append(TensorInfo(len(tensors), (6,), "float32", 24, stats=Stats(0.0, 0.0, 0.0, 0.0, l2=3.0)))
    found = stats_column(tensors)
    assert found[0] is None
    for tensor, row in zip(tensors[1:], found[1:], strict=True):
        stats = tensor.stats
        wanted = [stats.min, stats.max, stats.mean, stats.std, stats.nan, stats.inf, norm(tensor), stats.zeros]
        seen = [in_digits(number, 5) for number in stats.preview]
        assert row == finite([*[in_digits(number, 7) for number in wanted], [*stats.histogram], seen])


def in_digits(number, digits):
    return float(f"{number:.{digits}g}") if isinstance(number, float) else number


def test_equal_lines_are_written_once(deep):
    data = page.data(deep)
    assert len(data["frames"]) < 12
    assert len(data["texts"]) == len(set(data["texts"]))


def test_lines_around_the_users_line_are_quoted(steps):
    data = page.data(steps)
    (frame,) = [f for f in data["frames"] if "self.loss(self.y" in f[3]]
    quoted = data["excerpts"][frame[0]]
    assert quoted[str(frame[1])].strip() == frame[3]
    assert "with ef.GradientTape() as tape:" in quoted[str(frame[1] - 1)]
    assert str(frame[1] + 3) in quoted


def test_a_file_that_has_changed_since_is_not_quoted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "script.py"
    script.write_text("secret = 1\nvalue = run()\nother = 2\n", encoding="utf-8")
    frame = viz.Frame(str(script), 2, "f", "value = run()")
    record = Record(ops=[Op(0, "tanh", stack=(frame,))])
    assert page.data(record)["excerpts"][str(script)]["1"] == "secret = 1"
    script.write_text("password = 2\nvalue = run(1)\nother = 2\n", encoding="utf-8")
    assert page.data(record)["excerpts"] == {}


def test_a_recording_from_elsewhere_brings_no_other_files_into_the_page():
    frame = viz.Frame("/etc/passwd", 1, "f", "value = run()")
    assert page.data(Record(ops=[Op(0, "tanh", stack=(frame,))]))["excerpts"] == {}


def test_only_regular_python_files_below_the_working_directory_are_quoted(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for path in (tmp_path / "script.py", work / "names.txt", work / "script.py"):
        path.write_text("value = run()\nsecret = 1\n", encoding="utf-8")
    (work / "link.py").symlink_to(tmp_path / "script.py")
    os.mkfifo(work / "pipe.py")  # a reader would wait for ever

    def quoted(path):
        frame = viz.Frame(str(path), 1, "f", "value = run()")
        return page.data(Record(ops=[Op(0, "tanh", stack=(frame,))]))["excerpts"]

    elsewhere = (tmp_path / "script.py", work / "names.txt", work / "link.py", work / "pipe.py", work)
    assert [quoted(path) for path in elsewhere] == [{}] * 5
    assert quoted(work / "script.py") == {str(work / "script.py"): {"1": "value = run()", "2": "secret = 1"}}


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_can_leave_its_place(name, tmp_path):
    with viz.trace(name) as t, observe.scope("user", name):
        ef.layers.Dense(2, name="layer")(np.ones((1, 2), "float32"))
    t.scopes[0].config = {name: [name]}
    plain = Parts(t.to_html())
    assert [tag for tag, _ in plain.tags].count("script") == 3
    assert not any(tag == "img" for tag, _ in plain.tags)
    written = t.to_html(tmp_path / "page.html")
    content = embedded(written.read_text(encoding="utf-8"))
    if "\ud800" not in name and len(name) < 1000:
        assert name in content["texts"]
    assert max(map(len, content["texts"])) <= 2_001
    assert isinstance(json.loads(content["texts"][content["scopes"]["config"][0]]), dict)


def test_only_the_pages_own_scripts_may_run_and_nothing_is_loaded(steps):
    parts = Parts(steps.to_html())
    (policy,) = [a["content"] for a, _ in parts.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    running = [text for attrs, text in parts.of("script") if attrs.get("type") != "application/json"]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in running]
    assert rules["script-src"].split() == hashes
    assert not any({"src", "href", "onload", "onerror"} & attrs.keys() for _, attrs in parts.tags)
    addresses = set(re.findall(r"https?://[^\s\"'`]+", str(steps.to_html())))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_extra_scripts_may_run_and_connect_where_they_are_told_to(steps):
    shown = page.render(page.data(steps), [], ["window.first = 1;"], ["p{color:red}"], connect="'self'")
    policy = next(a["content"] for a, _ in Parts(shown).of("meta") if "Policy" in a.get("http-equiv", ""))
    assert policy.count("sha256-") == 2
    assert "connect-src 'self'" in policy
    assert '<script type="module">window.first = 1;</script>' in shown
    assert "p{color:red}" in shown
    with pytest.raises(ValueError, match="would end it"):
        page.render(page.data(steps), [], ["'</script>'"])


def test_large_data_is_packed(steps):
    data = page.data(steps)
    plain = page.render(data)
    data["texts"].append("x" * 500_000)
    shown = page.render(data)
    assert len(shown) < len(plain)  # which isn't packed
    assert embedded(shown)["texts"] == data["texts"]


def test_to_html_writes_a_file_or_gives_a_page_that_shows_itself_in_notebooks(steps, tmp_path):
    path = steps.to_html(tmp_path / "step.html", title="My <title>")
    assert path == tmp_path / "step.html"
    assert "<title>My &lt;title&gt;</title>" in path.read_text(encoding="utf-8")
    shown = steps.to_html()
    assert isinstance(shown, str)
    ((attrs, _),) = Parts(shown._repr_html_()).of("iframe")
    assert "box-sizing:border-box" in attrs["style"]  # no wider than its cell
    assert attrs["srcdoc"] == shown
    assert attrs["sandbox"].split() == ["allow-scripts", "allow-downloads"]  # not the notebook's origin


def test_other_endings_are_refused(steps, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.html"):
        steps.to_html(tmp_path / "page.svg")


def test_long_recordings_are_cut_to_whole_steps_with_a_note():
    record = long_record(10, 100)
    data = page.data(record, most_ops=350)
    assert len(data["ops"]["name"]) == 300
    assert [step[3] for step in data["steps"]] == [7, 8, 9]
    assert data["total_ops"] == 1000
    assert "ops 701 to 1,000 of 1,000" in data["notes"][-1]
    assert "steps=" in data["notes"][-1]


def test_a_step_that_is_too_long_is_shown_from_its_beginning():
    data = page.data(long_record(2, 1000), most_ops=300)
    assert len(data["ops"]["name"]) == 300
    assert len(data["steps"]) == 1
    assert data["ops"]["inputs"][0] == () or data["tensors"]["producer"][data["ops"]["inputs"][0][0]] is None


@pytest.mark.slow
def test_a_recording_of_a_million_ops_has_a_page_with_its_last_steps():
    record = viz.Recording.pending()
    record.fill(long_record(20, 50_000))
    shown = record.to_html()
    assert len(shown) < 5_000_000
    data = embedded(shown)
    assert len(data["ops"]["start"]["differences"]) == page.MOST_OPS
    assert [step[3] for step in data["steps"]] == [18, 19]
    assert "of 1,000,000" in data["notes"][0]


def test_what_was_cut_is_numbered_anew(steps):
    half, first = cut(steps, len(steps.ops) // 2 + 1)
    assert first == len(steps.ops) - len(half.ops)
    assert half.steps
    assert [op.id for op in half.ops] == list(range(len(half.ops)))
    assert [scope.id for scope in half.scopes] == list(range(len(half.scopes)))
    assert [tensor.id for tensor in half.tensors] == list(range(len(half.tensors)))
    last = steps.ops[-len(half.ops) :]
    assert [op.name for op in half.ops] == [op.name for op in last]
    for mine, theirs in zip(half.ops, last):
        assert half.path(mine.scope) == steps.path(theirs.scope)
        assert [half.tensors[i].shape for i in mine.inputs] == [steps.tensors[i].shape for i in theirs.inputs]
        if mine.forward is not None:
            assert half.ops[mine.forward].name == steps.ops[theirs.forward].name


def test_the_scripts_are_small_and_parse_no_html():
    folder = pathlib.Path(page.__file__).parent / "assets"
    scripts = sorted(folder.rglob("*.js"))
    assert len(scripts) > 20
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert len(re.sub(r"^import .*\n", "", text, flags=re.MULTILINE).splitlines()) <= 500, script.name
        assert text.startswith("//"), f"{script.name} says what it is for"
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "fetch(",
        ):
            assert way not in text, f"{script.name}: {way}"


def test_every_asset_is_used():
    folder = pathlib.Path(page.__file__).parent / "assets"
    script = modules.joined("page/assets/app/start.js")
    for path in folder.rglob("*.js"):
        first = re.search(r"^(?!import|//|\s|}).+", path.read_text("utf-8"), re.MULTILINE)[0]
        assert first in script, path.name
    styles = {path.relative_to(folder.parents[1]).as_posix() for path in folder.rglob("*.css")}
    assert styles == {*document.STYLES}


def test_colours_are_those_of_the_pictures(steps):
    from viz.picture.palette import DARK, LIGHT

    shown = str(steps.to_html())
    for theme in (LIGHT, DARK):
        assert f"--forward-fill:{theme.phases['forward'][0]}" in shown
        assert f"--page:{theme.page}" in shown


def test_pending_recordings_say_so():
    with viz.trace() as t, pytest.raises(RuntimeError, match="isn't finished"):
        t.to_html()


def two_steps():
    trainer = Trainer()
    trainer.step()
    made = []
    for extra in (False, True):
        with viz.trace("step", stats="basic") as t:
            trainer.step()
            if extra:
                ef.ops.tanh(ef.ops.ones((2,)))
        made.append(t)
    return made


def test_a_difference_tells_times_before_and_where_removed_ops_stood():
    before, after = two_steps()
    found = embedded(after.to_html(diff=before))["diff"]
    (added,) = [change for change in found["ops"] if change["kind"] == "added" and change["op"] == "tanh"]
    assert after.ops[added["b"]].name == "tanh"
    assert dict(found["times"])[0] == before.ops[0].duration
    back = embedded(before.to_html(diff=after))["diff"]
    (removed,) = [change for change in back["ops"] if change["kind"] == "removed" and change["op"] == "tanh"]
    assert removed["b"] is None
    assert removed["before"] == len(before.ops) - 1


@pytest.fixture
def saved(steps, tmp_path):
    return steps.save(tmp_path / "steps.efz")


def test_the_command_writes_a_page_next_to_the_file(saved, capsys):
    assert main(["html", str(saved)]) == 0
    assert "steps.html" in capsys.readouterr().out
    assert embedded(saved.with_suffix(".html").read_text(encoding="utf-8"))["title"] == "steps"


def test_the_command_compares(saved, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["html", str(saved), str(out), "--diff", str(saved)]) == 0
    assert str(out) in capsys.readouterr().out
    content = embedded(out.read_text(encoding="utf-8"))
    assert content["diff"]["different"] is False


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert main(["html", str(tmp_path / "nothing.efz")]) == 2
    assert "nothing.efz" in capsys.readouterr().err


def test_very_deep_scopes_have_a_page():
    record = Record(meta={"name": "deep"})
    record.scopes = [Scope(i, "user", f"s{i}", None if i == 0 else i - 1) for i in range(3000)]
    record.ops = [Op(0, "exp", "forward", 2999, None)]
    ((step, view),) = page.data(record)["views"]
    assert step is None
    assert len(view["tree"]["blocks"]["title"]) == 3001
    assert view["tree"]["blocks"]["children"][-1] == [0]
    assert view["tree"]["rows"]["ops"] == [[0]]


def test_layers_have_the_figures_of_the_summary(deep):
    ((_, view),) = page.data(deep)["views"]
    texts, blocks = page.data(deep)["texts"], view["tree"]["blocks"]
    found = {}
    for title, figures, params in zip(blocks["title"], blocks["figures"], blocks["params"], strict=True):
        ops, backward_ops, flops, activations, _ = figures
        found[texts[title]] = (ops + backward_ops, flops, activations, params)
    for row in rows(deep)[:-1]:
        name = row.name.split(" (")[0]
        if name in ("deep", "crossentropy", "hidden_3", "head"):
            assert found[name] == (row.ops, row.flops, row.activations, row.params), name
    assert found["hidden_1 … hidden_12  ×12"][0] == sum([found[f"hidden_{i}"][0] for i in range(1, 13)])


def test_equal_parts_are_there_folded_and_each(deep):
    ((_, view),) = page.data(deep)["views"]
    blocks, ops = view["tree"]["blocks"], view["tree"]["rows"]["ops"]
    run = next(i for i, folded in enumerate(blocks["folded"]) if folded)
    each = [ops[row] for block in blocks["children"][run] for row in blocks["children"][-block]]
    once = [ops[row] for row in blocks["children"][blocks["folded"][run]]]
    assert {len(row) for row in each} == {1}
    assert sorted([op for row in once for op in row]) == sorted([op for row in each for op in row])


def test_at_first_as_much_is_open_as_can_be_looked_at():
    record = long_record(1, 10)
    record.scopes += [Scope(i, "layer", f"layer_{i}", 0) for i in range(1, 101)]
    for op in record.ops:
        op.scope = None
    record.ops += [Op(id_, f"op_{id_}", scope=id_ - 9, step=0) for id_ in range(10, 110)]
    ((_, view),) = page.data(record)["views"]
    assert view["tree"]["depths"] == [0, 0]
    trainer = Trainer(mlp("deeper", 30))
    with viz.trace() as t:
        trainer.step()
    ((_, view),) = page.data(t)["views"]
    assert view["tree"]["depths"] == [2, 1]  # with equal parts folded, and not


def test_weights_have_memory_of_their_own_though_an_optimizer_keeps_them_in_one_array():
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3), ef.layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = np.ones((2, 4), "float32"), np.ones((2, 1), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    found = page.data(t)
    names = [found["texts"][i] for i in found["tensors"]["name"]]
    sizes = {names[tensor]: size for tensor, size, *_ in found["memory"] if names[tensor].endswith("/kernel")}
    assert list(sizes.values()) == [4 * 3 * 4, 3 * 1 * 4]


def fused():
    layer = ef.layers.Dense(3, activation="relu", name="layer")
    layer.build((2, 4))
    with viz.trace("fused") as t:
        layer(np.ones((2, 4), "float32"))
    return t


def test_what_a_file_says_of_guilty_parts_is_only_taken_where_it_makes_sense():
    recording = fused()
    for said, found in (({"0": 1}, [(0, 1)]), ({"7": 1, "x": 2, "0": "1"}, []), ([1], []), (None, [])):
        recording.meta["nonfinite_parts"] = said
        assert page.data(recording)["guilty"] == found


def test_modules_run_after_what_they_import_and_hold_no_text_that_spans_lines():
    script = modules.joined("page/assets/app/start.js", "livepage/assets/live.js")
    assert not re.search(r"^(import\b|\s|//)", script, re.MULTILINE)
    assert script.index("class Viewer ") < script.index("new Viewer()") < script.index("new Live()")
    declared = []
    for path in sorted(pathlib.Path(page.__file__).parents[1].glob("*/assets/**/*.js")):
        source = path.read_text("utf-8")
        declared += re.findall(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", source, re.MULTILINE)
        for number, line in enumerate(source.splitlines(), 1):
            code = re.sub(r'"(\\.|[^"\\])*"|/(\[[^\]]*\]|\\.|[^/\\\[])+/(?=[gu]*[;,.)])|//.*', "", line)
            assert code.count("`") % 2 == 0, f"{path.name}:{number}: this text goes on in the next line"
    assert len(declared) == len({*declared})  # they share their names


def test_modules_import_what_they_use_of_each_other_and_no_more():
    folder = pathlib.Path(page.__file__).parents[1]
    for path in sorted(folder.glob("*/assets/**/*.js")):
        text = path.read_text("utf-8")
        code = re.sub(r"^import .*$", "", text, flags=re.MULTILINE)
        for names, source in re.findall(r'^import \{ (.*) \} from "(.*)";$', text, re.MULTILINE):
            given = (path.parent / source).read_text("utf-8")
            for name in names.split(", "):
                assert re.search(rf"\b{name}\b", code), f"{path.name} imports {name} for nothing"
                assert re.search(rf"^export .*\b{name}\b|^  {name} = ", given, re.MULTILINE), f"{path.name}: {name}"
