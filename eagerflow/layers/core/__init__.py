"""Layers that other layers are thought of with: dense, embedding, input, masking, functions as layers."""

from eagerflow.base.faces import listed as _listed

_listed(__name__)
