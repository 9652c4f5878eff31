"""What a script computes of bytes, with the numbers that wrap around at 256, and without."""

from __future__ import annotations

import numpy as np
import pytest

from viz.doctor.checks.spoilt.byte_tables import wrapped_bytes

DIGITS = "(x, y), (xt, yt) = ef.datasets.digits.load_data()\n"
BYTES = 'x = pictures.astype("uint8")\n'


def read(source, tmp_path):
    path = tmp_path / f"{abs(hash(source))}.py"
    path.write_text(source)
    return wrapped_bytes(str(path))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (BYTES + "x = (x - 128) / 128\n", "x - 128"),
        (BYTES + "x = x - 100\nx = x / 100.0\n", "x - 100"),
        (BYTES + "x -= 128\n", "x - 128"),
        (BYTES + "x = x[:100].reshape(-1, 64) * 2 / 255 - 1\n", "x[:100].reshape(-1, 64) * 2"),
        (BYTES + "x, z = x + 100, 2\n", "x + 100"),
        (DIGITS + "x = (x - 8) / 8\n", "x - 8"),
        ("x = np.array(pictures, dtype=np.uint8)\nx = x**2\n", "x ** 2"),
        ("def load():\n    x = np.uint8(pictures)\n    x = x - 128\n", "x - 128"),
    ],
)
def test_what_wraps_is_read_with_its_line(source, code, tmp_path):
    (found,) = read(source, tmp_path)
    assert found.code == code
    assert found.line == 2 + source.startswith("def")
    assert not np.array_equal(found.made, found.meant)


@pytest.mark.parametrize(
    "source",
    [
        BYTES + "x = x / 255\n",
        BYTES + "x = x / 127.5 - 1\n",
        BYTES + "x = (x - 127.5) / 127.5\n",
        BYTES + 'x = (x.astype("float32") - 128) / 128\n',
        BYTES + "x = 255 - x\n",
        BYTES + "x = x // 2\n",
        BYTES + 'x = (x * 0.5 + 30).astype("uint8") / 255\n',
        BYTES + 'x = (x - 128).astype("int8")\n',  # who does that knows
        BYTES + "x = (x - x.mean()) / x.std()\n",
        BYTES + "x = x + 300\n",  # which NumPy refuses
        "x = pictures - 128\n",
        DIGITS + "x = x / 16\n",
        'x = pictures.astype("uint8")\nx = load()\nx = x - 128\n',
    ],
)
def test_what_does_not_wrap_or_is_not_known_is_left_alone(source, tmp_path):
    assert read(source, tmp_path) == []
