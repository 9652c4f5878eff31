"""The doctor: what is wrong with a training, in plain words, with the line that did it."""

from __future__ import annotations

from viz.doctor.diagnosis import Diagnosis
from viz.doctor.finding import KINDS, SEVERITIES, Finding
from viz.doctor.watcher import Watcher

__all__ = ["Diagnosis", "Finding", "KINDS", "SEVERITIES", "Watcher"]
