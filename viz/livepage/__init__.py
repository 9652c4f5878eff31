"""The live page: what listens to training, the process that serves the page, and the page."""

from __future__ import annotations

from viz.livepage.handle import LivePage, live

__all__ = ["LivePage", "live"]
