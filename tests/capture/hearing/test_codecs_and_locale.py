"""What Python looks up without a call that anybody hears: codecs, what handles their errors, and the locale."""

from __future__ import annotations

import codecs
import datetime
import io
import locale
import re

import pytest

import eagerflow as ef
from tests.capture.steps import bits, many

X = ef.Tensor([1.0, 2.0])
NAME = "cap_tests_own"
PATTERN = re.compile(rb"\w+", re.LOCALE)


def gives(text):
    """A search function for a codec that is written in C but for its tables."""
    table = dict.fromkeys(range(256), text)

    def decode(data, errors="strict"):
        return codecs.charmap_decode(data, errors, table)

    def encode(given, errors="strict"):
        return codecs.charmap_encode(given, errors, {i: ord(text) for i in range(256)})

    found = codecs.CodecInfo(encode, decode, name=NAME)
    return lambda name: found if name == NAME else None


def latin(name):
    """Gives functions of C's alone."""
    return codecs.CodecInfo(codecs.latin_1_encode, codecs.latin_1_decode, name=name) if name == NAME else None


def utf(name):
    return codecs.CodecInfo(codecs.utf_16_le_encode, codecs.utf_16_le_decode, name=name) if name == NAME else None


class Text(str):
    """A text whose class has another name."""

    __slots__ = ()


CODING = {
    "str": lambda x: x * float(len(str(b"2233", NAME))),
    "by name": lambda x: x * float(len(str(object=b"2233", encoding="".join([NAME[:3], NAME[3:]])))),
    "a class of one's own": lambda x: x * float(len(Text(b"2233", NAME))),
    "bytes": lambda x: x * float(len(bytes("22", NAME))),
    "bytearray": lambda x: x * float(len(bytearray("22", NAME))),
    "encode": lambda x: x * float(len("22".encode(NAME))),
    "decode": lambda x: x * float(len(b"2233".decode(NAME))),
    "mapped": lambda x: x * float(len(next(map(str, [b"2233"], [NAME])))),
}


@pytest.fixture
def register():
    """Registers a search function in the place of the one before."""
    now = []

    def put(search):
        while now:
            codecs.unregister(now.pop())
        now.append(search)
        codecs.register(search)

    yield put
    put(latin)
    codecs.unregister(latin)


@pytest.mark.parametrize("how", CODING)
def test_a_codec_that_is_registered_anew_is_the_next_calls_codec(how, register):
    step = CODING[how]
    register(latin)
    captured = ef.function(step)
    many(captured, X)
    register(utf)
    assert bits(captured(X)) == bits(step(X))


@pytest.mark.parametrize("how", ["str", "mapped"])
def test_a_step_with_a_codec_that_stays_is_replayed(how, register):
    register(latin)
    captured = ef.function(CODING[how])
    many(captured, X, calls=8)
    assert captured.replays, captured.why_eager


def test_what_a_codec_in_python_goes_by_counts(register):
    register(gives("7"))
    step = ef.function(lambda x: x * float(str(b"ab", NAME)))
    assert bits(many(step, X)) == bits(X * 77.0)
    register(gives("8"))
    assert bits(step(X)) == bits(X * 88.0)


def test_a_table_in_which_a_codec_is_looked_for_counts(register):
    known = {NAME: latin(NAME)}
    register(known.get)
    step = CODING["str"]
    captured = ef.function(step)
    many(captured, X)
    known[NAME] = utf(NAME)
    register(known.get)
    assert bits(captured(X)) == bits(step(X))


def test_a_codec_that_appears_is_found(register):
    def step(x):
        try:
            return x * float(len(str(b"2233", NAME)))
        except LookupError:
            return x

    captured = ef.function(step)
    with pytest.warns(UserWarning, match="a codec that isn't Python's own"):
        many(captured, X)
    register(latin)
    assert bits(captured(X)) == bits(X * 4.0)


@pytest.mark.parametrize("coding", [lambda: str(b"2\xff", "ascii", NAME), lambda: "2\xff".encode("ascii", NAME)])
def test_a_handler_of_errors_that_is_registered_anew_is_the_next_calls_handler(coding):
    codecs.register_error(NAME, codecs.ignore_errors)
    step = ef.function(lambda x: x * float(len(coding())))
    assert bits(many(step, X)) == bits(X)
    codecs.register_error(NAME, codecs.backslashreplace_errors)
    assert bits(step(X)) == bits(X * float(len(coding())))
    assert step.replays


def test_python_s_own_codecs_count_for_nothing():
    step = ef.function(lambda x: x * float(str(b"2", "ascii")))
    many(step, X)
    before = step.replays
    with io.TextIOWrapper(io.BytesIO(b"2"), encoding="cp037") as file:
        file.read()
    many(step, X)
    assert step.replays == before + 6


@pytest.fixture
def other_locale():
    """Sets another locale than that of before."""
    before = locale.setlocale(locale.LC_ALL)

    def change():
        locale.setlocale(locale.LC_CTYPE, "C" if locale.setlocale(locale.LC_CTYPE) != "C" else "C.UTF-8")

    yield change
    locale.setlocale(locale.LC_ALL, before)


DAY = datetime.date(2000, 1, 2)
FORMAT, TEMPLATE, NUMBER = "n", "{:n}", 1234.5
FORMATTING = {
    "f-string": lambda x: x * len(f"{NUMBER:n}"),
    "a format of one's own": lambda x: x * len(f"{NUMBER:{FORMAT}}"),
    "format": lambda x: x * len(format(NUMBER, "n")),
    "a template": lambda x: x * len(TEMPLATE.format(NUMBER)),
    "the method itself": lambda x: x * len(NUMBER.__format__(FORMAT)),
    "the name of a day": lambda x: x * len(f"{DAY:%A}"),
    "a pattern": lambda x: x * len(PATTERN.findall(b"a\xe4 b")),
    "a pattern in the step": lambda x: x * len(re.findall(rb"(?L)\w+", b"a\xe4 b")),
}


@pytest.mark.parametrize("how", FORMATTING)
def test_what_goes_by_the_locale_is_captured_again_in_another_one(how, other_locale):
    step = ef.function(FORMATTING[how])
    many(step, X)
    before = step.replays
    other_locale()
    step(X)
    assert step.replays == before
    many(step, X)
    assert step.replays > before > 0, step.why_eager


@pytest.mark.parametrize("step", [lambda x: x * len(f"{NUMBER:.1f}"), lambda x: x * len(f"{NUMBER:.1%} {NUMBER}")])
def test_other_texts_do_not_go_by_the_locale(step, other_locale):
    captured = ef.function(step)
    many(captured, X)
    before = captured.replays
    other_locale()
    captured(X)
    assert captured.replays == before + 1
