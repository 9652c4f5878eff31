"""The ops on images, as `keras.ops.image` lists them."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.ops.images.color import *
from eagerflow.ops.images.crop import *
from eagerflow.ops.images.filters import *
from eagerflow.ops.images.resize import *
from eagerflow.ops.images.warp import *

_listed(__name__)
