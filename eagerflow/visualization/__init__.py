"""Pictures of image data: boxes and masks drawn on images."""

from eagerflow.base.faces import listed as _listed
from eagerflow.visualization.boxes import *
from eagerflow.visualization.masks import *

_listed(__name__)
