"""Keras 3 itself on eagerflow's tape: `KERAS_BACKEND=eagerflow`.

Keras chooses its backend by name and knows five. Importing this package, which the installed wheel does for programs
that choose `eagerflow`, lets it know a sixth: see `hook`. `backend` has the modules that Keras then asks; it can be
imported only with Keras. Nothing of Keras is copied or changed on disk, and with another backend chosen nothing of
this is loaded.

    import eagerflow.keras_backend  # or KERAS_BACKEND=eagerflow in the environment
    import keras
"""

from eagerflow.keras_backend.hook import install

__all__ = ["install"]

install()
