"""Layers that other layers are thought of with: dense, embedding, input, masking, functions as layers."""
