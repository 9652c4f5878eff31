"""The page's scripts make the same indices of text as TextVectorization in Python."""

from __future__ import annotations

import json
import shutil
import string
import subprocess

import numpy as np
import pytest

from eagerflow import layers as L
from tests.viz.web.models import WORDS
from viz.page.modules import joined
from viz.web.exporter import described

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node on the PATH; the browser's test compares some texts, too")
RUN = """
import { readFileSync } from "fs";
const given = JSON.parse(readFileSync(0, "utf8"));
const vectorizer = new Vectorizer(given.about);
process.stdout.write(JSON.stringify(given.texts.map((text) => vectorizer.vector(text))));
"""

# What texts are made of: words that are known, marks, white space of many kinds, letters whose case is special.
PARTS = [
    *WORDS,
    *[
        "Film",
        "GOOD",
        "naÏve",
        "İstanbul",
        "ΣΑΣ",
        "ß",
        "ﬁlm",
        "日 本",
        "e\u0301",
        "🙂",
        "👩‍👩‍👧",
        "\u00a0",
        "\u2028",
        "\u3000",
    ],
    *["\t", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\ufeff", "\u200b", "\x00", *string.punctuation],
]


def texts(count):
    rng = np.random.default_rng(8)
    made = []
    for number in range(count):
        parts = rng.choice(np.array(PARTS, object), rng.integers(0, 12))
        made.append((" " if number % 3 else "").join(parts))
    return made


def by_script(about, given):
    code = joined("web/assets/text.js") + RUN
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", code],
        input=json.dumps({"about": about, "texts": given}).encode(),
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"output_sequence_length": 5},
        {"standardize": "lower", "ngrams": 2},
        {"standardize": "strip_punctuation", "split": "character", "ngrams": (1, 3)},
        {"standardize": None, "split": None, "output_sequence_length": 2},
        {"output_mode": "multi_hot", "ngrams": 2},
        {"output_mode": "count", "max_tokens": 20, "pad_to_max_tokens": True},
        {"output_mode": "tf_idf", "idf_weights": [0.5 + i / 7 for i in range(len(WORDS) + 4)]},
    ],
    ids=str,
)
def test_a_thousand_texts_become_the_same_indices_as_in_python(settings):
    layer, given = L.TextVectorization(vocabulary=[*WORDS, "film good", "g", "o", " "], **settings), texts(1000)
    found = by_script(described(layer, None), given)
    for text, ours in zip(given, found, strict=True):
        expected = np.asarray(layer([[text]]))[0].tolist() or [0]  # no model takes a sequence of no words
        assert ours == pytest.approx(expected, rel=1e-6), repr(text)
