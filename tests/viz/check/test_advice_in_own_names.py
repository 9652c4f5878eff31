"""What commands advise is written in the names that the script has imported."""

from __future__ import annotations

import json

import pytest

from eagerflow.base.wording.own_names import in_names_of
from viz.cli import main

CALL = "Call ef.utils.set_random_seed(1) first."
UNSEEDED = """
import numpy as np
{imports}
x, y = np.ones((32, 4), "float32"), np.arange(32) % 3
model = {root}.Sequential([{root}.layers.Dense(8, "relu"), {root}.layers.Dense(3)])
model.compile("adam", {root}.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=16, epochs=1, verbose=0)
"""


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("import eagerflow as ef", "ef.utils.set_random_seed(1)"),
        ("import eagerflow as e", "e.utils.set_random_seed(1)"),
        ("import eagerflow", "eagerflow.utils.set_random_seed(1)"),
        ("import keras", "keras.utils.set_random_seed(1)"),
        ("import keras.layers", "keras.utils.set_random_seed(1)"),
        ("from tensorflow import keras", "keras.utils.set_random_seed(1)"),
        ("from tensorflow import keras as k", "k.utils.set_random_seed(1)"),
        ("import tensorflow.keras as tk", "tk.utils.set_random_seed(1)"),
        ("import tensorflow as tf", "tf.keras.utils.set_random_seed(1)"),
        ("from keras import utils, layers", "utils.set_random_seed(1)"),
        ("from keras.utils import set_random_seed", "set_random_seed(1)"),
        ("def main():\n    import keras as inner", "inner.utils.set_random_seed(1)"),
    ],
)
def test_a_call_is_written_as_the_script_can_write_it(tmp_path, imports, call):
    script = tmp_path / "train.py"
    script.write_text(f"import numpy as np\n{imports}\n", encoding="utf-8")
    assert in_names_of(CALL, str(script)) == f"Call {call} first."


def test_a_script_that_imports_none_of_it_reads_what_to_import(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("from mine import model\nfrom .keras import x\n", encoding="utf-8")
    assert in_names_of(CALL, str(script)) == f"{CALL[:-1]} (after `import eagerflow as ef`)."


@pytest.mark.parametrize("content", ["def (", "\0", None])
def test_what_is_no_script_changes_no_words(tmp_path, content):
    script = tmp_path / "train.py"
    if content is not None:
        script.write_text(content, encoding="utf-8")
    assert in_names_of(CALL, str(script)) == CALL


@pytest.mark.parametrize(
    ("imports", "root"), [("import eagerflow as ef", "ef"), ("import tensorflow as tf", "tf.keras")]
)
def test_viz_check_and_viz_reproduce_name_what_the_script_has(tmp_path, capsys, imports, root):
    script = tmp_path / "train.py"
    script.write_text(UNSEEDED.format(imports=imports, root=root), encoding="utf-8")
    main(["check", "--json", str(script)])
    (row,) = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["name"] == "repeatable"]
    assert f"Call {root}.utils.set_random_seed(1) at the top" in row["message"]
    main(["reproduce", "--json", "--steps", "1", str(script)])
    assert json.loads(capsys.readouterr().out)["fix"].startswith(f"call {root}.utils.set_random_seed(1)")
