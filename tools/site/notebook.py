"""Executes the tutorial, for the site and for the outputs that are stored for readers on GitHub.

python -m tools.site.notebook     # executes docs/tutorial.ipynb and stores its outputs
"""

import json
import os
import sys
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"


def executed(text: str) -> str:
    """Execute a notebook and return it with its outputs; stop at a cell that fails.

    Of the outputs, what a cell printed and the PNG that it drew are kept; standard error, where
    commands show their progress, is not.

    Args:
        text: The content of the file, in notebook format 4.
    """
    import nbformat  # requirements/docs.txt
    from nbclient import NotebookClient

    notebook = nbformat.reads(text, as_version=4)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    NotebookClient(notebook, timeout=600).execute(env={**os.environ, "PATH": programs})
    content = json.loads(text)
    for cell, done in zip(content["cells"], notebook.cells, strict=True):
        if cell["cell_type"] == "code":
            cell["execution_count"] = done.execution_count
            cell["outputs"] = essential_outputs(done.outputs)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def essential_outputs(outputs: list[dict]) -> list[dict]:
    """Return what a cell printed, as one output, and what it drew, as PNG.

    Args:
        outputs: All outputs of the cell, in which IPython cuts printed text into small pieces.
    """
    printed = "".join(output["text"] for output in outputs if output.get("name") == "stdout")
    drawn = [
        output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    text = {"name": "stdout", "output_type": "stream", "text": printed.splitlines(keepends=True)}
    images = [
        {"data": {"image/png": png}, "metadata": {}, "output_type": "display_data"} for png in drawn
    ]
    return [text] * bool(printed) + images


if __name__ == "__main__":
    TUTORIAL.write_text(executed(TUTORIAL.read_text(encoding="utf-8")), encoding="utf-8")
