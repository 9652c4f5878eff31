"""Of a long line of code, the doctor shows the part that a finding is about."""

from __future__ import annotations

import pytest

from viz.doctor.finding import Finding
from viz.doctor.reports.fault_place import code_around, fault_at

NET = "net = Sequential([Dense(64, activation='relu'), Dense(32, activation='tanh'), Dropout(0.9), Dense(1, 'relu')])"


@pytest.mark.parametrize(
    ("code", "about", "part"),
    [
        (NET, {"layer": "net/dropout"}, "Dropout(0.9)"),
        (NET, {"layer": "net/dense_2"}, "Dense(1, 'relu')"),
        (NET, {"layer": "net/dense_2", "op": "relu"}, "Dense(1, 'relu')"),
        (NET, {"layer": "other/dense_7", "op": "tanh"}, "Dense(32, activation='tanh')"),
        (NET, {"op": "tanh"}, "tanh"),
        ("x = BatchNormalization()(x)", {"layer": "batch_normalization_3"}, "BatchNormalization()"),
        ("loss = mean((p - y) ** 2)", {"op": "subtract"}, " -"),
        ("loss = mean((p - y) ** 2)", {"op": "power"}, "**"),
        (
            "m.compile('adam', Loss(from_logits=True))",
            {"message": "a softmax and from_logits=True"},
            "from_logits=True",
        ),
        ("model.fit(x, y)", {"message": "it doesn't learn"}, None),
    ],
)
def test_the_layer_the_op_or_what_the_message_names_is_found(code, about, part, tmp_path):
    found = finding(tmp_path, code, about)
    at = fault_at(found)
    assert part == (None if at is None else code[at[0] : at[1]])


@pytest.mark.parametrize(("most", "begins", "ends"), [(200, "net", ")])"), (60, "…", ")])"), (40, "…", "…")])
def test_a_long_line_is_cut_around_it(most, begins, ends, tmp_path):
    code = code_around(finding(tmp_path, NET, {"layer": "net/dropout"}), most)
    assert "Dropout(0.9)" in code
    assert len(code) <= most
    assert (code.startswith(begins), code.endswith(ends)) == (True, True)


def test_a_line_is_seen_from_its_beginning_where_the_fault_is_there_or_nothing_tells(tmp_path):
    for about in ({"layer": "net/dense"}, {"layer": "pool"}):
        assert code_around(finding(tmp_path, NET, about), 60) == f"{NET[:59]}…"


def finding(folder, code, about):
    """One about the only line of a file."""
    (path := folder / f"{len(list(folder.iterdir()))}.py").write_text(code, encoding="utf-8")
    return Finding(
        **{"kind": "overfit", "severity": "info", "message": "m", "fix": "f"} | about, file=str(path), line=1
    )
