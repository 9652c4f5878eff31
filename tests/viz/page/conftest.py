"""A browser, and pages for it."""

from __future__ import annotations

import pytest

from tests.viz import browser
from tests.viz.page.pages import PageBrowser


@pytest.fixture(scope="module")
def one_browser(tmp_path_factory):
    program = browser.find()
    if program is None:
        pytest.skip(browser.NONE_FOUND)
    page = PageBrowser(program, tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


@pytest.fixture
def shown(one_browser):
    """A window of the usual size; at the end, nothing went wrong in its page."""
    one_browser.size(1400, 900)
    one_browser.prefer("prefers-color-scheme", "light")
    yield one_browser
    assert not one_browser.wrong


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages by name, each written once."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def write(name, make):
        if name not in made:
            made[name] = make().to_html(folder / f"{name}.html")
        return made[name]

    return write
