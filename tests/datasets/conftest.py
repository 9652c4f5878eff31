"""A web site and a home folder for every test of this folder."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from eagerflow.datasets.source import Source
from tests.datasets.site import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of downloads, and no way out of this machine."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    monkeypatch.setenv("EAGERFLOW_HOME", str(folder))
    return folder


@pytest.fixture
def served(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a file on the stand-in site, and makes a loader look for it there."""

    def serve(module: ModuleType, content: bytes, attribute: str = "_SOURCE", key: str | None = None) -> None:
        owner = getattr(module, attribute)
        source: Source = owner[key] if key else owner
        checksum = source.checksum and hashlib.sha256(content).hexdigest()
        changed = dataclasses.replace(source, url=site.url + source.name, checksum=checksum)
        site.files[source.name] = content
        if key:
            monkeypatch.setitem(owner, key, changed)
        else:
            monkeypatch.setattr(module, attribute, changed)

    return serve
