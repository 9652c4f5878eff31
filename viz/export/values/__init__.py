"""What event files hold, and files beside them: pictures, sounds, distributions, tables of points and the like."""

from __future__ import annotations

__all__: list[str] = []
