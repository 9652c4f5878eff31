"""Straight code: what calls of NumPy do one after the other, as one function of machine code.

`Code` writes it in LLVM's language, a few lines for each call, and LLVM makes it in some milliseconds, without Numba.
It computes with what NumPy itself computes with, the loops of its functions and its BLAS, given the same numbers in the
same order, and beside them only with operations that have one right result (sums, products, comparisons). So it gives
the bits that NumPy gives. What goes away are NumPy's calls, which for small arrays take longer than the arithmetic.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy

from eagerflow.base.machine.forks import held_over_forks
from eagerflow.base.machine.subnormals import WITHOUT_SUBNORMALS, mode_functions
from eagerflow.capture.machine.numpy_objects import inner_loop_of, places
from eagerflow.compiled.objects import features, llvm
from eagerflow.kernels.machine.blas import routine_address

__all__ = ["MOST_BYTES", "Code", "Function", "Operand"]

MOST_BYTES = 1 << 17  # of values that nobody outside sees: they lie on the thread's stack
_LINE = 64  # bytes of a cache line
_REALS = {"f": "float", "d": "double"}
_BY_ROWS, _BY_COLUMNS, _AS_IT_IS, _TRANSPOSED = 101, 102, 111, 112  # of the C interface of BLAS
_PLAIN = 0x0101  # flags of an array: C contiguous, aligned
_numbers = itertools.count(1)
_lock = threading.RLock()
held_over_forks(_lock)  # a child begins with LLVM between two calls

Function = Callable[[int, int], int]


class Operand(NamedTuple):
    """An array in the code, C contiguous.

    Attributes:
        name: of its pointer.
        shape: its lengths.
        letter: its type, `f`, `d` or, for arrays that are given, `?` (truth values, which count as 1 and 0) and `i`,
            `l` and `q` (labels).
    """

    name: str
    shape: tuple[int, ...]
    letter: str

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(numpy.prod(self.shape, dtype=int))

    def like(self, other: Operand) -> Operand:
        """The same numbers in another one's shape."""
        return self._replace(shape=other.shape)


class Code:
    """A function that is being written: of two tuples, one of arrays that are given, one of arrays to be filled.

    It answers 0, or 1 when its results don't count: something that was given is no array of the right type and shape
    that lies in memory in C's order, a label is no class, or an error is heeded.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._room: list[str] = []
        self._checks: list[str] = []
        self._constants: list[str] = []
        self._held: list[Any] = []  # whose memory the code has addresses of
        self._block = "start"
        self._named = 0
        self._bytes = 0
        self._without = False  # subnormal numbers
        self._place = "", ""  # row and column of the element that is written

    # -- words of LLVM's language

    def _new(self, word: str = "x") -> str:
        self._named += 1
        return f"%{word}{self._named}"

    def value(self, text: str, word: str = "x") -> str:
        """Write an operation that gives a value; its name."""
        name = self._new(word)
        self._lines.append(f"  {name} = {text}")
        return name

    def does(self, text: str) -> None:
        """Write an operation that gives none."""
        self._lines.append(f"  {text}")

    def _constant(self, numbers: Sequence[int]) -> str:
        self._named += 1
        name = f"@c{self._named}"
        values = ", ".join(f"i64 {number}" for number in numbers)
        self._constants.append(f"{name} = private constant [{len(numbers)} x i64] [{values}]")
        return name

    @contextmanager
    def loop(self, count: int) -> Iterator[str]:
        """What is written inside is done so many times (at least once); gives the name of the number."""
        place, more, done = self._new("i"), self._new("more"), self._new("done")
        head, end = self._new("loop")[1:], self._new("end")[1:]
        before = self._block
        self.does(f"br label %{head}")
        self._lines.append(f"{head}:")
        at = len(self._lines)
        self._block = head
        yield place
        self._lines.insert(at, f"  {place} = phi i64 [ 0, %{before} ], [ {more}, %{self._block} ]")
        self.does(f"{more} = add nuw nsw i64 {place}, 1")
        self.does(f"{done} = icmp eq i64 {more}, {count}")
        self.does(f"br i1 {done}, label %{end}, label %{head}")
        self._lines.append(f"{end}:")
        self._block = end

    # -- arrays

    def given(self, place: int, shape: tuple[int, ...], letter: str) -> Operand:
        """An array of the first tuple. Another type, shape or order of it, and the code does nothing."""
        found, pointer = Operand(f"%given{place}", shape, letter), f"%object{place}"
        self._checks += [
            f"  %slot{place} = getelementptr i8, ptr %given, i64 {places.items + 8 * place}",
            f"  {pointer} = load ptr, ptr %slot{place}",
            f"  {found.name} = call ptr @data(ptr {pointer})",
        ]
        lengths = self._constant(shape or (0,))
        dtype = numpy.dtype(letter)
        self._held.append(dtype)
        fits = f"call i1 @fits(ptr {pointer}, i64 {id(dtype)}, i32 {len(shape)}, ptr {lengths})"
        self._checks += [f"  %fits{place} = {fits}", f"  br i1 %fits{place}, label %next{place}, label %no"]
        self._checks.append(f"next{place}:")
        return found

    def filled(self, place: int, shape: tuple[int, ...], letter: str) -> Operand:
        """An array of the second tuple."""
        self._checks += [
            f"  %space{place} = getelementptr i8, ptr %filled, i64 {places.items + 8 * place}",
            f"  %new{place} = load ptr, ptr %space{place}",
            f"  %filled{place} = call ptr @data(ptr %new{place})",
        ]
        return Operand(f"%filled{place}", shape, letter)

    def own(self, shape: tuple[int, ...], letter: str) -> Operand | None:
        """An array that nobody outside sees; None where there is no more room."""
        found = Operand(self._new("own"), shape, letter)
        size = -(-max(1, found.size) * numpy.dtype(letter).itemsize // _LINE) * _LINE
        if self._bytes + size > MOST_BYTES:
            return None
        self._room.append(f"  {found.name} = alloca [{size} x i8], align {_LINE}")
        self._bytes += size
        return found

    def constant(self, array: numpy.ndarray) -> Operand:
        """An array that is the same in every call."""
        self._held.append(array)
        name = self.value(f"inttoptr i64 {array.ctypes.data} to ptr", "constant")
        return Operand(name, array.shape, array.dtype.char)

    # -- what is computed

    def elementwise(self, out: Operand, operands: Sequence[Operand], operation: Callable[..., str]) -> None:
        """Fill an array element by element.

        Args:
            out: the array.
            operands: each of its shape, of the shape of its last axis, of one number, or (rows, 1).
            operation: writes it for one element, given the names of values; it gives the name of the result.
        """
        real = _REALS[out.letter]
        ones = {i: self._load(real, each, "0") for i, each in enumerate(operands) if each.size == 1}
        columns = out.shape[-1] if any(each.size not in (1, out.size) for each in operands) else out.size
        with self.loop(out.size // columns) as row:
            start = self.value(f"mul nuw nsw i64 {row}, {columns}")
            for i, each in enumerate(operands):
                if i not in ones and each.size != out.size and len(each.shape) > 1 and each.shape[-1] == 1:
                    ones[i] = self._load(real, each, row)
            with self.loop(columns) as column:
                self._place = row, column
                place = self.value(f"add nuw nsw i64 {start}, {column}")
                values = [
                    ones[i] if i in ones else self._load(real, each, place if each.size == out.size else column)
                    for i, each in enumerate(operands)
                ]
                self._store(real, operation(*values), out, place)

    def _load(self, real: str, array: Operand, place: str) -> str:
        if array.letter == "?":
            at = self.value(f"getelementptr i8, ptr {array.name}, i64 {place}", "at")
            return self.value(f"uitofp i8 {self.value(f'load i8, ptr {at}')} to {real}")
        at = self.value(f"getelementptr {real}, ptr {array.name}, i64 {place}", "at")
        return self.value(f"load {real}, ptr {at}")

    def _store(self, real: str, value: str, array: Operand, place: str) -> None:
        at = self.value(f"getelementptr {real}, ptr {array.name}, i64 {place}", "at")
        self.does(f"store {real} {value}, ptr {at}")

    def by_numpy(self, function: numpy.ufunc, out: Operand, *operands: Operand) -> bool:
        """Let the loop of one of NumPy's functions fill an array from others of its shape; False where it has none."""
        loop = inner_loop_of(function, out.letter)
        if loop is None:
            return False
        step = numpy.dtype(out.letter).itemsize
        arrays = self._new("arrays")
        self._room.append(f"  {arrays} = alloca [{len(operands) + 1} x ptr]")
        for i, each in enumerate([*operands, out]):
            at = self.value(f"getelementptr ptr, ptr {arrays}, i64 {i}", "at")
            self.does(f"store ptr {each.name}, ptr {at}")
        length, steps = self._constant([out.size]), self._constant([step] * (len(operands) + 1))
        code = self.value(f"inttoptr i64 {loop.address} to ptr", "code")
        data = self.value(f"inttoptr i64 {loop.data} to ptr", "data")
        self.does(f"call void {code}(ptr {arrays}, ptr {length}, ptr {steps}, ptr {data})")
        return True

    def reduced(self, function: numpy.ufunc, out: Operand, x: Operand, from_first: bool = False) -> bool:
        """Reduce each row of a matrix by the loop of one of NumPy's functions; False where it has none.

        Args:
            function: `numpy.add`, say.
            out: a number for each row.
            x: (rows, columns).
            from_first: whether NumPy begins with the first number of a row (of `maximum`); else with 0 (of `add`).
        """
        loop, (rows, columns) = inner_loop_of(function, out.letter), x.shape
        if loop is None or columns <= int(from_first):
            return False
        real, step = _REALS[out.letter], numpy.dtype(out.letter).itemsize
        arrays, zero = self._new("arrays"), self.number(0.0, out.letter)
        self._room.append(f"  {arrays} = alloca [3 x ptr]")
        length, steps = self._constant([columns - from_first]), self._constant([0, step, 0])
        code = self.value(f"inttoptr i64 {loop.address} to ptr", "code")
        data = self.value(f"inttoptr i64 {loop.data} to ptr", "data")
        with self.loop(rows) as row:
            start = self.value(f"mul nuw nsw i64 {row}, {columns}")
            self._store(real, self._load(real, x, start) if from_first else zero, out, row)
            begin = self.value(f"add nuw nsw i64 {start}, {int(from_first)}")
            target = self.value(f"getelementptr {real}, ptr {out.name}, i64 {row}", "at")
            source = self.value(f"getelementptr {real}, ptr {x.name}, i64 {begin}", "at")
            for i, each in enumerate((target, source, target)):
                at = self.value(f"getelementptr ptr, ptr {arrays}, i64 {i}", "at")
                self.does(f"store ptr {each}, ptr {at}")
            self.does(f"call void {code}(ptr {arrays}, ptr {length}, ptr {steps}, ptr {data})")
        return True

    # -- labels

    def _label(self, labels: Operand, row: str) -> str:
        kind = f"i{8 * numpy.dtype(labels.letter).itemsize}"
        at = self.value(f"getelementptr {kind}, ptr {labels.name}, i64 {row}", "at")
        label = self.value(f"load {kind}, ptr {at}")
        return label if kind == "i64" else self.value(f"sext {kind} {label} to i64")

    def within(self, labels: Operand, classes: int) -> bool:
        """Answer 1 where a label is no class; False where that can't be written here."""
        if self._without:
            return False
        with self.loop(labels.size) as row:
            well, on = self.value(f"icmp ult i64 {self._label(labels, row)}, {classes}"), self._new("on")[1:]
            self.does(f"br i1 {well}, label %{on}, label %no")
            self._lines.append(f"{on}:")
            self._block = on
        return True

    def picked(self, out: Operand, x: Operand, labels: Operand) -> None:
        """Fill an array with what each row of a matrix has at its label."""
        real, columns = _REALS[out.letter], x.shape[-1]
        with self.loop(labels.size) as row:
            start = self.value(f"mul nuw nsw i64 {row}, {columns}")
            place = self.value(f"add nuw nsw i64 {start}, {self._label(labels, row)}")
            self._store(real, self._load(real, x, place), out, row)

    def where_label(self, labels: Operand, value: str, otherwise: str, letter: str) -> str:
        """In an elementwise operation over rows: one value in the column of the row's label, another one elsewhere."""
        (row, column), real = self._place, _REALS[letter]
        here = self.value(f"icmp eq i64 {self._label(labels, row)}, {column}")
        return self.value(f"select i1 {here}, {real} {value}, {real} {otherwise}")

    # -- products

    def product(self, out: Operand, a: Operand, b: Operand, a_turned: bool = False, b_turned: bool = False) -> bool:
        """`out = a @ b` by the routine of BLAS that `numpy.dot` takes; False where it isn't known.

        Args:
            out: (rows, columns).
            a: (rows, inner).
            b: (inner, columns).
            a_turned: whether `a` lies in memory as (inner, rows).
            b_turned: whether `b` lies in memory as (columns, inner).
        """
        rows, inner = a.shape[::-1] if a_turned else a.shape
        columns = b.shape[0] if b_turned else b.shape[1]
        left, right = _kind(rows, inner), _kind(inner, columns)
        if "scalar" in (left, right) or a.name == b.name:
            return False
        if right == "column" and left != "matrix":
            return self._dot(out, a, b, inner)
        if left == "matrix" and right != "matrix":
            return self._with_vector(out, a, b, a_turned, _AS_IT_IS)
        if left != "matrix" and right == "matrix":
            return self._with_vector(out, b, a, b_turned, _TRANSPOSED)
        # A matrix of one row or column lies in both orders: NumPy takes it for one that lies by columns. It matters
        # where products underflow: BLAS gives zeros of the other sign.
        a_turned, b_turned = a_turned or 1 in a.shape, b_turned or 1 in b.shape
        of_a, of_b = (_TRANSPOSED if turned else _AS_IT_IS for turned in (a_turned, b_turned))
        beside_a, beside_b = (rows if a_turned else inner), (inner if b_turned else columns)
        one, nothing = self._real(out.letter, 1.0), self._real(out.letter, 0.0)
        kinds = f"i32 {_BY_ROWS}, i32 {of_a}, i32 {of_b}, i64 {rows}, i64 {columns}, i64 {inner}"
        given = f"{one}, ptr {a.name}, i64 {beside_a}, ptr {b.name}, i64 {beside_b}"
        return self._blas("gemm", out.letter, f"{kinds}, {given}, {nothing}, ptr {out.name}, i64 {columns}")

    def sums_of_columns(self, out: Operand, ones: Operand, a: Operand) -> bool:
        """`out = ones @ a`, where `ones` (rows,) is a vector."""
        rows, columns = a.shape
        if rows == 1:
            return False
        if columns == 1:
            return self._dot(out, ones, a, rows)
        return self._with_vector(out, a, ones, False, _TRANSPOSED)

    def _with_vector(self, out: Operand, matrix: Operand, vector: Operand, turned: bool, how: int) -> bool:
        rows, columns = matrix.shape
        order = f"i32 {_BY_COLUMNS if turned else _BY_ROWS}, i32 {how}"
        lengths = (columns, rows) if turned else (rows, columns)
        one, nothing = self._real(out.letter, 1.0), self._real(out.letter, 0.0)
        given = f"{order}, i64 {lengths[0]}, i64 {lengths[1]}, {one}, ptr {matrix.name}, i64 {columns}"
        given += f", ptr {vector.name}, i64 1, {nothing}, ptr {out.name}, i64 1"
        return self._blas("gemv", out.letter, given)

    def _dot(self, out: Operand, a: Operand, b: Operand, count: int) -> bool:
        address = routine_address(f"{_BLAS[out.letter]}dot")
        if address is None:
            return False
        real = _REALS[out.letter]
        code = self.value(f"inttoptr i64 {address} to ptr", "code")
        found = self.value(f"call {real} {code}(i64 {count}, ptr {a.name}, i64 1, ptr {b.name}, i64 1)")
        # NumPy adds the results for runs of so many numbers up, in float64, beginning with zero.
        wide = self.value(f"fpext float {found} to double") if real == "float" else found
        total = self.value(f"fadd double {wide}, 0.0")
        self._store(real, self.value(f"fptrunc double {total} to float") if real == "float" else total, out, "0")
        return True

    def _blas(self, name: str, letter: str, given: str) -> bool:
        address = routine_address(f"{_BLAS[letter]}{name}")
        if address is None:
            return False
        self.does(f"call void {self.value(f'inttoptr i64 {address} to ptr', 'code')}({given})")
        return True

    def number(self, value: float, letter: str) -> str:
        """A number of a type, as operations take it."""
        return self._real(letter, value).partition(" ")[2]

    def _real(self, letter: str, value: float) -> str:
        return f"{_REALS[letter]} 0x{numpy.float64(numpy.dtype(letter).type(value)).view(numpy.uint64):016X}"

    # -- what surrounds it

    def flush(self, without: bool) -> None:
        """From here on subnormal numbers count as zero, or no longer; nothing changes where that can't be set."""
        functions = mode_functions()
        if without == self._without or functions is None:
            return
        read, write = (ctypes.cast(function, ctypes.c_void_p).value for function in functions)
        if not self._without:
            self._room += ["  %before = alloca i64", "  %within = alloca i64"]
            self.does(f"call i32 {self.value(f'inttoptr i64 {read} to ptr')}(ptr %before)")
            mode = self.value("load i64, ptr %before")
            self.does(f"store i64 {self.value(f'or i64 {mode}, {WITHOUT_SUBNORMALS}')}, ptr %within")
        mode = "%within" if without else "%before"
        self.does(f"call i32 {self.value(f'inttoptr i64 {write} to ptr')}(ptr {mode})")
        self._without = without

    def heed_errors(self) -> None:
        """Answer 1 where a result is none (infinity, NaN) of whose making NumPy would warn. To be said at the end.

        Raises:
            OSError: where the processor can't be asked.
        """
        clear, test = (getattr(_library(), name, None) for name in ("feclearexcept", "fetestexcept"))
        flags = _ERRORS.get(platform.machine())
        if clear is None or test is None or flags is None:
            raise OSError("floating point errors of this processor aren't known")
        self.flush(False)
        addresses = [ctypes.cast(function, ctypes.c_void_p).value for function in (clear, test)]
        begins = [f"  %clear = inttoptr i64 {addresses[0]} to ptr", f"  %cleared = call i32 %clear(i32 {flags})"]
        self._lines[:0] = begins
        code = self.value(f"inttoptr i64 {addresses[1]} to ptr")
        seen = self.value(f"icmp ne i32 {self.value(f'call i32 {code}(i32 {flags})')}, 0")
        self.does(f"br i1 {seen}, label %no, label %well")
        self._lines.append("well:")
        self._block = "well"

    def text(self, symbol: str) -> str:
        """The function in LLVM's language."""
        return "\n".join(
            [
                *self._constants,
                _HELPERS,
                f"define i32 @{symbol}(ptr %given, ptr %filled) {{",
                "begin:",
                *self._room,
                *self._checks,
                "  br label %start",
                "no:",
                "  ret i32 1",
                "start:",
                *self._lines,
                "  ret i32 0",
                "}",
                "",
            ]
        )

    def function(self) -> Function:
        """The function: of the addresses (`id`) of both tuples.

        Raises:
            OSError: when it can't be made.
        """
        self.flush(False)
        symbol = f"eagerflow_straight_{next(_numbers)}"
        address, engine = _made(self.text(symbol), symbol)
        made: Any = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int64, ctypes.c_int64)(address)
        made.held = engine, self._held
        return made


# Flags of a processor for results that are invalid, infinite by a division by zero, or too large.
_ERRORS = {"x86_64": 0x0D, "AMD64": 0x0D, "aarch64": 0x07, "arm64": 0x07}
_BLAS = {"f": "s", "d": "d"}
_HELPERS = f"""
declare float @llvm.fabs.f32(float)
declare double @llvm.fabs.f64(double)

define internal ptr @data(ptr %object) alwaysinline {{
  %at = getelementptr i8, ptr %object, i64 {places.data}
  %found = load ptr, ptr %at
  ret ptr %found
}}

define internal i1 @fits(ptr %object, i64 %dtype, i32 %axes, ptr %lengths) {{
begin:
  %at_type = getelementptr i8, ptr %object, i64 {places.type}
  %type = load i64, ptr %at_type
  %is_array = icmp eq i64 %type, {id(numpy.ndarray)}
  br i1 %is_array, label %array, label %no
array:
  %at_dtype = getelementptr i8, ptr %object, i64 {places.dtype}
  %its_dtype = load i64, ptr %at_dtype
  %same_dtype = icmp eq i64 %its_dtype, %dtype
  %at_flags = getelementptr i8, ptr %object, i64 {places.flags}
  %all_flags = load i32, ptr %at_flags
  %flags = and i32 %all_flags, {_PLAIN}
  %plain = icmp eq i32 %flags, {_PLAIN}
  %at_axes = getelementptr i8, ptr %object, i64 {places.axes}
  %its_axes = load i32, ptr %at_axes
  %same_axes = icmp eq i32 %its_axes, %axes
  %some = and i1 %same_dtype, %plain
  %so_far = and i1 %some, %same_axes
  br i1 %so_far, label %next, label %no
next:
  %axis = phi i32 [ 0, %array ], [ %more, %same ]
  %left = icmp slt i32 %axis, %axes
  br i1 %left, label %compare, label %yes
compare:
  %wide = sext i32 %axis to i64
  %at_lengths = getelementptr i8, ptr %object, i64 {places.lengths}
  %its_lengths = load ptr, ptr %at_lengths
  %at_mine = getelementptr i64, ptr %lengths, i64 %wide
  %at_its = getelementptr i64, ptr %its_lengths, i64 %wide
  %mine = load i64, ptr %at_mine
  %its = load i64, ptr %at_its
  %is_same = icmp eq i64 %mine, %its
  br i1 %is_same, label %same, label %no
same:
  %more = add i32 %axis, 1
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}}
"""


@cache
def _library() -> Any:
    """C's library of mathematics; None where it isn't found."""
    name = ctypes.util.find_library("m")
    return None if name is None else ctypes.CDLL(name)


def _kind(rows: int, columns: int) -> str:
    """What NumPy takes a matrix for when it chooses the routine of a product."""
    if rows > 1:
        return "column" if columns == 1 else "matrix"
    return "scalar" if columns == 1 else "row"


def _made(text: str, symbol: str) -> tuple[int, Any]:
    """The address of a function, compiled for this processor, and what holds its machine code."""
    with _lock:  # a fork waits for it: LLVM's own lock must not be held meanwhile, not even by objects that go
        return _compiled(llvm(), text, symbol)


def _compiled(binding: Any, text: str, symbol: str) -> tuple[int, Any]:
    try:
        module = binding.parse_assembly(text)
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=features(), opt=2
        )
        options = binding.create_pipeline_tuning_options(speed_level=2)
        options.loop_vectorization = True
        builder = binding.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
        engine = binding.create_mcjit_compiler(module, machine)
        engine.finalize_object()
    except RuntimeError as error:
        raise OSError(f"machine code of a captured step can't be made: {error}") from error
    return int(engine.get_function_address(symbol)), engine
