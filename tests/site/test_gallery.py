"""The gallery: what leads to its pages, and the small pictures of these."""

from __future__ import annotations

import os

import pytest

from tools.site import gallery, thumbnails


@pytest.mark.parametrize("possible", [True, False])
def test_each_page_has_a_card_with_pictures_where_some_can_be_taken(monkeypatch, possible):
    monkeypatch.setattr(thumbnails, "are_possible", lambda: possible)
    index = gallery.pages()["gallery/index"]
    for name, shown in gallery.GALLERY.items():
        assert f'<a href="{name}.html">' in index
        assert f"<strong>{shown.title}</strong>" in index
        for theme in ("light", "dark"):
            image = f'class="only-{theme} dark-light" src="../_static/gallery/{name}_{theme}.webp"'
            assert (image in index) == possible
    assert "<code>tanh</code>" in index


@pytest.mark.slow
def test_pictures_are_taken_in_both_themes_and_again_when_the_page_is_newer(tmp_path):
    if not thumbnails.are_possible():
        pytest.skip("no Chromium is installed")
    page = tmp_path / "one.html"
    page.write_text(
        "<style>body { background: white } @media (prefers-color-scheme: dark) { body { background: black } }</style>"
    )
    thumbnails.write_all(tmp_path, {"one": ("#here", 500)})
    light, dark = (tmp_path / thumbnails.picture_of("one", theme) for theme in thumbnails.THEMES)
    assert light.read_bytes()[8:12] == dark.read_bytes()[8:12] == b"WEBP"
    assert light.read_bytes() != dark.read_bytes()
    light.write_bytes(b"kept")
    thumbnails.write_all(tmp_path, {"one": ("#here", 500)})
    assert light.read_bytes() == b"kept"
    later = light.stat().st_mtime + 10
    os.utime(page, (later, later))
    thumbnails.write_all(tmp_path, {"one": ("#here", 500)})
    assert light.read_bytes()[8:12] == b"WEBP"
