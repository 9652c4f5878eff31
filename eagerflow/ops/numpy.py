"""The ops that have a name of NumPy: the names of `keras.ops.numpy`."""

from eagerflow.base.faces import listed as _listed
from eagerflow.ops.arrays.complex_views import angle as angle
from eagerflow.ops.arrays.complex_views import isreal as isreal
from eagerflow.ops.arrays.complex_views import sign as sign
from eagerflow.ops.arrays.creation import *
from eagerflow.ops.arrays.diagonals import *
from eagerflow.ops.arrays.indexing import get_item as get_item
from eagerflow.ops.arrays.indexing import take as take
from eagerflow.ops.arrays.indexing import take_along_axis as take_along_axis
from eagerflow.ops.arrays.join import append as append
from eagerflow.ops.arrays.join import array_split as array_split
from eagerflow.ops.arrays.join import concatenate as concatenate
from eagerflow.ops.arrays.join import dsplit as dsplit
from eagerflow.ops.arrays.join import dstack as dstack
from eagerflow.ops.arrays.join import hsplit as hsplit
from eagerflow.ops.arrays.join import hstack as hstack
from eagerflow.ops.arrays.join import pad as pad
from eagerflow.ops.arrays.join import split as split
from eagerflow.ops.arrays.join import stack as stack
from eagerflow.ops.arrays.join import vsplit as vsplit
from eagerflow.ops.arrays.join import vstack as vstack
from eagerflow.ops.arrays.shape import *
from eagerflow.ops.arrays.sorting import argpartition as argpartition
from eagerflow.ops.arrays.sorting import argsort as argsort
from eagerflow.ops.arrays.sorting import digitize as digitize
from eagerflow.ops.arrays.sorting import searchsorted as searchsorted
from eagerflow.ops.arrays.sorting import sort as sort
from eagerflow.ops.control_flow import vectorize as vectorize
from eagerflow.ops.elementwise.arithmetic import *
from eagerflow.ops.elementwise.bessel import i0 as i0
from eagerflow.ops.elementwise.bitwise import *
from eagerflow.ops.elementwise.casting import copy as copy
from eagerflow.ops.elementwise.casting import ndim as ndim
from eagerflow.ops.elementwise.casting import size as size
from eagerflow.ops.elementwise.casting import view as view
from eagerflow.ops.elementwise.comparison import *
from eagerflow.ops.elementwise.complex_numbers import *
from eagerflow.ops.elementwise.exponential import cbrt as cbrt
from eagerflow.ops.elementwise.exponential import exp as exp
from eagerflow.ops.elementwise.exponential import exp2 as exp2
from eagerflow.ops.elementwise.exponential import expm1 as expm1
from eagerflow.ops.elementwise.exponential import hypot as hypot
from eagerflow.ops.elementwise.exponential import ldexp as ldexp
from eagerflow.ops.elementwise.exponential import log as log
from eagerflow.ops.elementwise.exponential import log1p as log1p
from eagerflow.ops.elementwise.exponential import log2 as log2
from eagerflow.ops.elementwise.exponential import log10 as log10
from eagerflow.ops.elementwise.exponential import logaddexp as logaddexp
from eagerflow.ops.elementwise.exponential import logaddexp2 as logaddexp2
from eagerflow.ops.elementwise.exponential import sqrt as sqrt
from eagerflow.ops.elementwise.logic import *
from eagerflow.ops.elementwise.rounding import *
from eagerflow.ops.elementwise.selection import clip as clip
from eagerflow.ops.elementwise.selection import divide_no_nan as divide_no_nan
from eagerflow.ops.elementwise.selection import fmax as fmax
from eagerflow.ops.elementwise.selection import fmin as fmin
from eagerflow.ops.elementwise.selection import heaviside as heaviside
from eagerflow.ops.elementwise.selection import maximum as maximum
from eagerflow.ops.elementwise.selection import minimum as minimum
from eagerflow.ops.elementwise.selection import nan_to_num as nan_to_num
from eagerflow.ops.elementwise.selection import nonzero as nonzero
from eagerflow.ops.elementwise.selection import select as select
from eagerflow.ops.elementwise.selection import where as where
from eagerflow.ops.elementwise.trigonometry import *
from eagerflow.ops.matrices.correlation import *
from eagerflow.ops.matrices.einsum import *
from eagerflow.ops.matrices.factorizations import slogdet as slogdet
from eagerflow.ops.matrices.norms import trace as trace
from eagerflow.ops.matrices.products import *
from eagerflow.ops.reduce.cumulative import *
from eagerflow.ops.reduce.nan_reductions import *
from eagerflow.ops.reduce.quantiles import *
from eagerflow.ops.reduce.reductions import *
from eagerflow.ops.reduce.statistics import allclose as allclose
from eagerflow.ops.reduce.statistics import bincount as bincount
from eagerflow.ops.reduce.statistics import histogram as histogram
from eagerflow.ops.reduce.statistics import isclose as isclose
from eagerflow.ops.reduce.statistics import isin as isin
from eagerflow.ops.reduce.statistics import unique as unique
from eagerflow.ops.reduce.statistics import unravel_index as unravel_index
from eagerflow.ops.reduce.truth import *
from eagerflow.ops.signals.window_functions import *

_listed(__name__)
