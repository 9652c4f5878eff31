"""Pipelines that read, transform, shuffle and batch data."""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed

if TYPE_CHECKING:
    from eagerflow.data.dataset import *
    from eagerflow.data.encoding import *
    from eagerflow.data.packing import *
    from eagerflow.data.py_dataset import *

_listed(
    __name__,
    homes={
        ".dataset": "Dataset",
        ".encoding": "normalize to_categorical",
        ".packing": "pack_x_y_sample_weight unpack_x_y_sample_weight",
        ".py_dataset": "PyDataset",
    },
)
