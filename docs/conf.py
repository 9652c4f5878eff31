"""What Sphinx is told. `make docs` (tools/site/build.py) brings the pages to where it reads them, and runs it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from eagerflow import __version__

project = "eagerflow"
author = "the authors of eagerflow"
version = release = __version__
extensions = ["myst_parser", "sphinx_copybutton", "tools.site.extension"]
root_doc = "index"
nitpicky = True
html_theme = "pydata_sphinx_theme"
html_title = f"eagerflow {version}"
html_short_title = "eagerflow"
html_static_path = ["_site_static"]
html_css_files = ["site.css"]
html_js_files = ["versions.js", "site.js"]
templates_path = ["_site_templates"]
html_favicon = "images/favicon.svg"
html_show_search_summary = False
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_domain_indices = False
html_use_index = True
html_scaled_image_link = False
highlight_language = "text"
copybutton_selector = ", ".join([f"div.highlight-{kind} pre" for kind in ("python", "py", "pycon", "bash", "default")])
copybutton_prompt_text = r">>> |\.\.\. |\$ "  # what is copied can be run: without prompts and what was printed
copybutton_prompt_is_regexp = True
add_module_names = True
toc_object_entries = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True

myst_enable_extensions = ["deflist", "attrs_inline"]
myst_heading_anchors = 4
myst_url_schemes = {"http": None, "https": None, "mailto": None, "source": None}

html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_start": ["navbar-logo"],
    "navbar_end": ["site-versions", "theme-switcher"],
    "navbar_persistent": ["search-button-field"],
    "logo": {"text": "eagerflow"},
    "search_bar_text": "Search",
    "search_as_you_type": True,
    "show_prev_next": True,
    "show_nav_level": 1,
    "navigation_depth": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["site-footer"],
    "footer_end": [],
    "article_header_start": ["site-breadcrumbs"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}
# pages without pages below them have no column for these
beside = ("reference/*/*", "reference/index", "reference/types", "errors", "benchmarks")
html_sidebars = {page: ["reference-nav.html"] for page in beside}
html_sidebars |= {page: [] for page in ("index", "changelog")}
