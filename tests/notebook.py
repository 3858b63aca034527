"""Runs a notebook without Jupyter: Python, lines that start with ``!``, text and PNG outputs.

python -m tests.notebook docs/tutorial.ipynb     # run it and store its outputs
"""

import ast
import base64
import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path


def run_notebook(notebook: dict) -> dict:
    """Run a notebook and return it with outputs; stop at an exception or a failed ``!`` line."""
    namespace, count = {"__name__": "__main__"}, 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
            cell["outputs"] = run_cell("".join(cell["source"]), namespace)
    return notebook


def run_cell(source: str, namespace: dict) -> list[dict]:
    """Run one cell and return its outputs in notebook format 4."""
    tree = ast.parse(translate(source))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
    outputs = []
    if printed.getvalue():
        lines = printed.getvalue().splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines})
    if hasattr(value, "_repr_png_"):
        png = base64.b64encode(value._repr_png_()).decode()
        outputs.append({"output_type": "display_data", "data": {"image/png": png}})
    elif value is not None:
        outputs.append({"output_type": "display_data", "data": {"text/plain": [repr(value)]}})
    return [{**o, "metadata": {}} if o["output_type"] != "stream" else o for o in outputs]


def translate(source: str) -> str:
    """Translate ``!command`` to a call that prints its output; ``\\`` joins lines."""
    lines = source.replace("\\\n", " ").splitlines() if source.startswith("!") else [source]
    return "\n".join(
        f"__import__({__name__!r}, fromlist=['x']).shell({line[1:]!r})"
        if line.startswith("!")
        else line
        for line in lines
    )


def shell(command: str) -> None:
    """Run a line in a shell, with the programs of the environment first on the path."""
    path = f'PATH="{Path(sys.executable).parent}:$PATH"; set -o pipefail; '
    done = subprocess.run(["bash", "-c", path + command], capture_output=True, text=True)
    print(done.stdout, end="")
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


if __name__ == "__main__":
    file = Path(sys.argv[1]).resolve()
    executed = run_notebook(json.loads(file.read_text()))
    file.write_text(json.dumps(executed, indent=1, ensure_ascii=False) + "\n")
