"""Settings of the documentation site, which ``bash tools/build_docs.sh`` builds.

The source folder is the repository, so that links between documents are the same as on GitHub.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

project = "simhand_mm"
copyright = "The simhand_mm contributors, Apache-2.0"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "tools.site.extension",
]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "configs/*/README.md", "projects/**/README.md"]
exclude_patterns = [
    ".*",
    "build",
    "data",
    "dist",
    "simhand_mm",
    "tests",
    "tools",
    "work_dirs",
]
smartquotes = False  # it would turn --option into a dash

html_theme = "furo"
html_math_renderer = "mathml"
html_title = "simhand_mm"
html_additional_pages = {"index": "redirect.html"}
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

myst_heading_anchors = 4
nb_execution_mode = "off"  # tools/site/extension.py executes the notebook when it is read
copybutton_exclude = ".linenos, .gp, .go"

add_module_names = False
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_default_options = {"special-members": "__call__, __len__, __getitem__"}
autodoc_preserve_defaults = True
napoleon_use_ivar = True
python_maximum_signature_line_length = 80

# Every reference to this package must be found; other packages have no pages here.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!simhand_mm\.).*"),
    (r"py:class", r"simhand_mm\..*\.(Array|Task|Value|Result)"),
]
