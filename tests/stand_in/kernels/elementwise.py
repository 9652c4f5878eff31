"""`ElementwiseKernel`: a line of CUDA C for each element, with parameters that broadcast."""

from __future__ import annotations

import numpy

from tests.stand_in.array import ndarray, wrap
from tests.stand_in.calls import unsupported
from tests.stand_in.graphs import launched
from tests.stand_in.kernels import compiler, memory
from tests.stand_in.kernels.raw import refuse_loading

__all__ = ["ElementwiseKernel"]

# Halves are computed as float, and rounded at the end.
_TYPES = {"e": "float", "f": "float", "d": "double", "?": "bool", "i": "int", "l": "long long", "q": "long long"}
_SOURCE = """\
{types}
extern "C" __global__ void {name}(const long long ef_count, {parameters}) {{
    for (long long i = 0; i < ef_count; ++i) {{
        {reads}
        {{ {operation}; }}
    }}
}}
"""


class ElementwiseKernel:
    """One loop over all elements. Types are letters that stand for the type of arguments, and the same for each."""

    def __init__(self, in_params, out_params, operation, name="kernel"):
        self.inputs, self.outputs = _parsed(in_params), _parsed(out_params)
        self.operation, self.name = operation, name

    @property
    def nin(self):
        return len(self.inputs)

    def __call__(self, *args):
        if len(args) not in (self.nin, self.nin + len(self.outputs)):
            raise TypeError(f"{self.name} takes {self.nin} arguments, and may be given {len(self.outputs)} outputs")
        types = {}
        for value, (letter, name) in zip(args, self.inputs + self.outputs):
            if not isinstance(value, (ndarray, numpy.generic)):
                raise unsupported(value)
            if types.setdefault(letter, value.dtype) != value.dtype:
                raise TypeError(f"Type is mismatched. {name} {value.dtype} {types[letter]} {letter}")
        if not all(isinstance(value, ndarray) for value in args[self.nin :]):
            raise TypeError("outputs are arrays")
        code = self._code(types)
        if not compiler.is_loaded(code, self.name):
            refuse_loading(self.name)
        return _run(self, compiler.compiled(code, self.name), types, *args)

    def _code(self, types):
        kinds = "".join(f"typedef {_TYPES[dtype.char]} {letter};\n" for letter, dtype in types.items())
        pointers = [f"const {letter}* ef_of_{name}" for letter, name in self.inputs]
        pointers += [f"{letter}* ef_of_{name}" for letter, name in self.outputs]
        reads = [f"const {letter} {name} = ef_of_{name}[i];" for letter, name in self.inputs]
        reads += [f"{letter}& {name} = ef_of_{name}[i];" for letter, name in self.outputs]
        return _SOURCE.format(
            types=kinds, name=self.name, parameters=", ".join(pointers), reads=" ".join(reads), operation=self.operation
        )


def _parsed(params):
    """Pairs of a type's letter and a name."""
    found = [tuple(part.split()) for part in params.split(",")]
    if not all(len(part) == 2 and len(part[0]) == 1 and part[0].isupper() for part in found):
        raise NotImplementedError(f"the stand-in takes letters for types, and names: {params}")
    return found


def _compute(self, kernel, types, *args):
    given = [value._numbers if isinstance(value, ndarray) else numpy.asarray(value) for value in args]
    shape = numpy.broadcast_shapes(*[numbers.shape for numbers in given[: self.nin]])
    if any(numbers.shape != shape for numbers in given[self.nin :]):
        raise ValueError(f"Output has wrong shape, and not {shape}")
    ready = [
        numpy.ascontiguousarray(numpy.broadcast_to(numbers, shape), _computed(numbers.dtype))
        for numbers in given[: self.nin]
    ]
    outs = [memory.HOME.empty(shape, _computed(types[letter])) for letter, _ in self.outputs]
    slots = [numpy.array(numpy.int64(outs[0].size)), *map(_address, (*ready, *outs))]
    if outs[0].size:
        said = kernel([1] * 6, [slot.ctypes.data for slot in slots])
        if said:
            raise AssertionError(f"{self.name}: {said}")
    if args[self.nin :]:
        for place, out in zip(given[self.nin :], outs):
            place[...] = out
        found = args[self.nin :]
    else:
        found = tuple([wrap(out.astype(types[letter])) for out, (letter, _) in zip(outs, self.outputs)])
    return found[0] if len(found) == 1 else tuple(found)


def _computed(dtype):
    return numpy.dtype("f4") if dtype.char == "e" else dtype


def _address(numbers):
    return numpy.array(numpy.uint64(numbers.ctypes.data))


_run = launched(_compute)
