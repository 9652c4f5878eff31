"""Layers with several inputs."""
