"""Mutation test: change one operator, constant or statement of a function and see whether a test notices.

    python -m tools.mutants map tests/ops                         # which tests run which lines; once for each folder
    python -m tools.mutants try eagerflow/ops --count 300 --seed 1

The first command writes to `build/mutants`. The second collects the tests once, draws as many mutants from each room as
from the others, and for each forks: the child puts the changed code into the functions in memory and runs the tests
that reach the line, nearest first, until one fails. It prints the mutants that none noticed.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import json
import os
import random
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FunctionType

import coverage
import pytest

_ROOT = Path(__file__).parents[1]
_BUILD = _ROOT / "build" / "mutants"
_SECONDS = 10.0  # of tests for one mutant, as measured
_PAIRS = "Lt LtE, Gt GtE, Eq NotEq, Is IsNot, In NotIn, And Or, Add Sub, FloorDiv Mult, Mod Mult, Pow Mult, Mult Div"
_SWAPS = {
    getattr(ast, a): getattr(ast, b) for pair in _PAIRS.split(", ") for a, b in (pair.split(), pair.split()[::-1])
}


def changes(node: ast.AST) -> Iterator[str]:
    """What may stand in a node's place."""
    match node:
        case ast.Compare(left, [operator], [right]) if type(operator) in _SWAPS:
            yield ast.unparse(ast.Compare(left, [_SWAPS[type(operator)]()], [right]))
        case ast.BinOp(left, operator, right) if type(operator) in _SWAPS:
            yield ast.unparse(ast.BinOp(left, _SWAPS[type(operator)](), right))
        case ast.BoolOp(operator, values):
            yield ast.unparse(ast.BoolOp(_SWAPS[type(operator)](), values))
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield ast.unparse(operand)
        case ast.Constant(bool(value)):
            yield repr(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (str(value + 1), str(value - 1))
        case ast.Return(value) if value is not None and ast.unparse(value) != "None":
            yield "return None"
        case ast.Expr(ast.Constant() | ast.Yield() | ast.YieldFrom()):
            return
        case ast.Assign([ast.Attribute() | ast.Subscript()]) | ast.Expr() | ast.AugAssign() | ast.Raise():
            yield "pass"


def functions_of(file: str, text: str) -> dict[tuple[str, int], CodeType]:
    """The code of every function in a file's text, by its name and line."""
    found: dict[tuple[str, int], CodeType] = {}
    waiting = [compile(text, str(_ROOT / file), "exec", dont_inherit=True)]
    while waiting:
        inner = [constant for constant in waiting.pop().co_consts if isinstance(constant, CodeType)]
        found.update({(code.co_qualname, code.co_firstlineno): code for code in inner})
        waiting += inner
    return found


class Mutant:
    """One change of one file: what stands there instead of a node's text, on as many lines."""

    def __init__(self, file: str, text: str, node: ast.expr | ast.stmt, new: str) -> None:
        self.file, self.lines = file, range(node.lineno, (node.end_lineno or 0) + 1)
        data = text.encode()
        starts = [0]
        for line in data.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        span = slice(starts[node.lineno - 1] + node.col_offset, starts[self.lines[-1] - 1] + (node.end_col_offset or 0))
        rest = "\n" * (len(self.lines) - 1)
        put = f"({new}{rest})" if isinstance(node, ast.expr) else new + rest
        self.text = (data[: span.start] + put.encode() + data[span.stop :]).decode()
        self.name = f"{file}:{node.lineno}:{node.col_offset} {' '.join(data[span].decode().split())[:90]} -> {new[:90]}"

    def code(self) -> dict[tuple[str, int], CodeType]:
        """The changed file's functions."""
        return functions_of(self.file, self.text)

    def fits(self) -> bool:
        """Whether the changed code can take the place of the function's: not where a name of an outer one went."""
        before = functions_of(self.file, (_ROOT / self.file).read_text(encoding="utf-8"))
        return all(code.co_freevars == before[key].co_freevars for key, code in self.code().items())


def mutants_of(path: Path) -> list[Mutant]:
    """All that a file has in bodies of functions, but in annotations and messages."""
    text, file = path.read_text(encoding="utf-8"), path.relative_to(_ROOT).as_posix()
    found: list[Mutant] = []

    def walk(node: ast.AST) -> None:
        if isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.arguments)):
            return
        if isinstance(node, (ast.expr, ast.stmt)):
            found.extend(Mutant(file, text, node, new) for new in changes(node))
        if isinstance(node, (ast.If, ast.IfExp, ast.While)):
            found.append(Mutant(file, text, node.test, f"not ({ast.unparse(node.test)})"))
        if not isinstance(node, ast.Raise):
            for child in ast.iter_child_nodes(node):
                walk(child)

    def look(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                look(node.body)
            elif isinstance(node, ast.FunctionDef) and "overload" not in map(ast.unparse, node.decorator_list):
                for statement in node.body:
                    walk(statement)

    look(ast.parse(text).body)
    return found


def draw(rooms: list[str], count: int, seed: int) -> list[Mutant]:
    """As many from each room, as far as it has so many; the same for the same seed and text."""
    drawn: list[Mutant] = []
    for place, room in enumerate(rooms):
        files = sorted((_ROOT / room).rglob("*.py")) or [_ROOT / room]
        every = [mutant for path in files for mutant in mutants_of(path)]
        random.Random(f"{seed} {room}").shuffle(every)
        drawn += islice(filter(Mutant.fits, every), count * (place + 1) // len(rooms) - count * place // len(rooms))
    return drawn


class Measure:
    """Count lines by test, and what each takes."""

    def __init__(self, name: str) -> None:
        _BUILD.mkdir(parents=True, exist_ok=True)
        path = _BUILD / f"{name}.part"
        self.coverage = coverage.Coverage(data_file=path, source_pkgs=["eagerflow", "viz"], config_file=False)
        self.coverage.set_option("run:disable_warnings", ["module-not-imported"])  # pytest would make an error of it
        self.coverage.erase()
        self.coverage.start()
        self.file = path.with_suffix(".jsonl").open("w", encoding="utf-8")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        began = time.process_time()
        yield
        print(json.dumps([item.nodeid, time.process_time() - began]), file=self.file)
        self.coverage.switch_context("")

    def pytest_unconfigure(self) -> None:
        self.file.close()
        self.coverage.stop()
        self.coverage.save()


class Try:
    """Run tests on mutants instead of once."""

    def __init__(self, drawn: list[Mutant], results: Path) -> None:
        self.drawn, self.results = drawn, results
        lines = [line for path in _BUILD.glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
        self.took: dict[str, float] = dict([json.loads(line) for line in lines])
        with TemporaryDirectory() as folder:
            both = coverage.Coverage(data_file=Path(folder) / "all", config_file=False)
            both.combine([str(path) for path in _BUILD.glob("*.part")], keep=True)
            files = {str(_ROOT / mutant.file) for mutant in drawn}
            self.reached = {file: both.get_data().contexts_by_lineno(file) for file in files}

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that run a line of it: of the same room first, short ones first, until they take too long."""
        lines = self.reached[str(_ROOT / mutant.file)]
        found = {name for line in mutant.lines for name in lines.get(line, []) if name in self.items}
        room, left = f"tests/{mutant.file.split('/')[1]}/", _SECONDS
        chosen: list[str] = []
        for name in sorted(found, key=lambda name: (not name.startswith(room), self.took[name])):
            left -= self.took[name]
            chosen += [name] if left >= 0 or not chosen else []
        return chosen

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Before anything is frozen: all functions there are, by file, name and line, once they are loaded."""
        for mutant in self.drawn:
            importlib.import_module(mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        self.items = {item.nodeid: item for item in session.items if item.nodeid in self.took}
        self.functions: dict[str, dict[tuple[str, int], list[FunctionType]]] = defaultdict(lambda: defaultdict(list))
        for function in [each for each in gc.get_objects() if type(each) is FunctionType]:
            code = function.__code__
            self.functions[code.co_filename][code.co_qualname, code.co_firstlineno].append(function)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        config = session.config
        config.pluginmanager.unregister(name="terminalreporter")
        counts, sound = {True: 0, False: 0}, set[str]()
        with self.results.open("w", encoding="utf-8") as results:
            for mutant in self.drawn:
                began, chosen = time.monotonic(), self.tests(mutant)
                noticed = self.fork(mutant, chosen)
                while noticed in self.items and noticed not in sound and self.fork(None, [noticed]):
                    chosen.remove(noticed)  # it fails in a fork anyway
                    noticed = self.fork(mutant, chosen)
                sound.add(noticed)
                counts[bool(noticed)] += 1
                took = round(time.monotonic() - began, 1)
                print(json.dumps([mutant.name, noticed, len(chosen), took]), file=results, flush=True)
                if not noticed:
                    print(f"{mutant.name}  ({len(chosen)} tests)", file=sys.__stdout__, flush=True)
        print(f"{counts[True]} of {len(self.drawn)} mutants noticed", file=sys.__stdout__, flush=True)
        return True

    def fork(self, mutant: Mutant | None, tests: list[str]) -> str:
        """The first test that fails, or why a run ended early; empty if all pass."""
        if not tests:
            return ""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(6 * _SECONDS), int(6 * _SECONDS)))
            result = 1  # what no test can catch, such as a KeyboardInterrupt, ends it too
            try:
                os.write(writer, self.first_failure(mutant.code() if mutant else {}, tests).encode())
                result = 0
            finally:
                os._exit(result)
        os.close(writer)
        until, status = time.monotonic() + 60 * _SECONDS, None
        while status is None and time.monotonic() < until:
            time.sleep(0.02)
            ended, code = os.waitpid(child, os.WNOHANG)
            status = code if ended else None
        if status is None:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with os.fdopen(reader) as pipe:
            return f"ended by {status}" if status != 0 else pipe.read()

    def first_failure(self, changed: dict[tuple[str, int], CodeType], tests: list[str]) -> str:
        for key, code in changed.items():
            for function in self.functions[code.co_filename][key]:
                function.__code__ = code
        failed: list[str] = []

        class Reports:
            def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
                failed.extend([report.nodeid] if report.failed else [])

        items = [self.items[name] for name in tests]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.pluginmanager.register(reports := Reports())
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item.config.pluginmanager.unregister(reports)
            if failed:
                return failed[0]
        return ""


def main() -> int:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["map", "try"])
    parser.add_argument("paths", nargs="+", help="map: folders of tests; try: folders or files, such as eagerflow/ops")
    parser.add_argument("--count", type=int, default=300, help="of mutants, in all folders together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=_BUILD / "results.json", help="one line for each mutant")
    options = parser.parse_args()
    os.chdir(_ROOT)
    with TemporaryDirectory(prefix="mutants-") as folder:
        arguments = ["-q", "-p", "no:cacheprovider", f"--basetemp={folder}/base"]
        if options.command == "map":
            name = "-".join(path.strip("/").replace("/", "_") for path in options.paths)
            return int(pytest.main([*arguments, *options.paths], plugins=[Measure(name)]))
        runner = Try(draw(options.paths, options.count, options.seed), options.results)
        files = sorted({name.partition("::")[0] for name in runner.took})
        return int(pytest.main([*arguments, *files], plugins=[runner]))


if __name__ == "__main__":
    raise SystemExit(main())
