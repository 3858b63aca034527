"""Pages of the site for the configs: what each one is, its bases, and what it sets itself."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from simhand_mm.experiments.tables import markdown_table
from tools.site.markdown import escaped, toctree

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
BASES = "_base_"
INTRODUCTION = """# Configs

A config is a recipe or an ablation of a method, in the language of mmengine.
`simhand train configs/simhand/...` works in any folder, because the wheel contains all configs.
The name of a config is `method_backbone_PROCESSESxbBATCH-variant-schedule_data`, where BATCH is the
batch of one process. `--cfg-options key=value` changes any entry. The pages list what each file
sets itself; `work_dirs/<config>/` of a run has the complete config.
"""


def pages() -> dict[str, str]:
    """Return file name and text of the pages: an index, and one page per folder of configs."""
    folders = sorted(path.parent for path in CONFIGS.glob("*/metafile.yml"))
    found = {f"configs/{folder.name}.md": _folder_page(folder) for folder in folders}
    bases = [_section(path, {}) for path in sorted((CONFIGS / BASES).rglob("*.py"))]
    found["configs/bases.md"] = "\n".join(["# bases", "", *bases])
    rows = [(f"[{folder.name}]({folder.name}.md)", _title_of(folder)) for folder in folders]
    rows += [("[bases](bases.md)", "models, data, schedules and runtimes that the others inherit")]
    names = [*(folder.name for folder in folders), "bases"]
    index = [INTRODUCTION, markdown_table(("folder", "content"), rows), "", toctree(names)]
    return {"configs/index.md": "\n".join(index)} | found


def settings_of(config: str) -> dict[str, str]:
    """Return the entries that a config sets itself.

    Args:
        config: Source text of the config.

    Returns:
        Source text of each value, by its path, such as ``model.head.loss.w_pos``.
    """
    found: dict[str, str] = {}
    for name, value in _assignments(config):
        if name != BASES:
            found |= _flattened(name, value)
    return found


def _title_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def _folder_page(folder: Path) -> str:
    models = yaml.safe_load((folder / "metafile.yml").read_text(encoding="utf-8"))["Models"]
    about = {model["Name"]: model.get("Metadata", {}) for model in models}
    readme = f"[{_title_of(folder)}](../../../configs/{folder.name}/README.md)"
    sections = [_section(path, about[path.stem]) for path in sorted(folder.glob("*.py"))]
    sidebar = toctree([f"Options and names </configs/{folder.name}/README>"])
    return "\n".join(
        [f"# {folder.name}", "", f"{readme}: options and names.", "", *sections, sidebar]
    )


def _section(path: Path, about: dict[str, Any]) -> str:
    """Return heading, comment, facts of the metafile, bases and settings of a config."""
    file, source = path.relative_to(ROOT), path.read_text(encoding="utf-8")
    facts = [f"**{key}**: {escaped(_listed(value))}" for key, value in about.items()]
    facts += [f"**Inherits**: {', '.join(f'`{base}`' for base in bases_of(source))}"] * (
        BASES in source
    )
    rows = [(f"`{key}`", f"`{value}`") for key, value in settings_of(source).items()]
    text = [f"## {path.stem}", f"[`{file}`](../../../{file})", escaped(_comment(source))]
    text += [
        "\n".join(f"* {fact}" for fact in facts),
        markdown_table(("entry", "value"), rows) if rows else "",
    ]
    return "\n\n".join(filter(None, text)) + "\n"


def _listed(value: Any) -> str:
    return "; ".join(value) if isinstance(value, list) else str(value)


def _comment(source: str) -> str:
    """Return the comment at the top of a config as one line."""
    lines = source.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("#").strip() for line in lines[:end])


def bases_of(config: str) -> list[str]:
    """Return the files that a config inherits; those of the same folder as file names."""
    bases = next((value for name, value in _assignments(config) if name == BASES), None)
    names = ast.literal_eval(bases) if bases else []
    names = [names] if isinstance(names, str) else names
    return [name.removeprefix("./").removeprefix("../") for name in names]


def _assignments(config: str) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.parse(config).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _flattened(key: str, value: ast.expr) -> dict[str, str]:
    """Return one entry per leaf of nested ``dict(...)``."""
    if not isinstance(value, ast.Call) or getattr(value.func, "id", "") != "dict" or value.args:
        return {key: ast.unparse(value)}
    found: dict[str, str] = {}
    for word in value.keywords:
        found |= _flattened(f"{key}.{word.arg}", word.value)
    return found
