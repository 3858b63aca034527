"""Write docs/model_zoo.md and the metafile of the shipped models from their model cards.

    python -m projects.model_zoo.page

A model card is the YAML file next to the weights in the package, with the same name.
"""

from pathlib import Path
from typing import Any

import yaml

from simhand_mm.cli import run
from simhand_mm.experiments.tables import markdown_table, write_part
from simhand_mm.pool.files import sha256_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "model_zoo.md"
METAFILE = ROOT / "projects" / "model_zoo" / "metafile.yml"
NOTE = "# Written by python -m projects.model_zoo.page from the model cards in simhand_mm/.\n"
WEIGHTS = (".pth", ".onnx")
TEXTS = ("input", "output", "trained on", "not trained on", "license")


def shipped_weights() -> list[Path]:
    """Return the weight files in the package."""
    return sorted(path for path in (ROOT / "simhand_mm").rglob("*") if path.suffix in WEIGHTS)


def card_of(weights: Path) -> dict[str, Any]:
    """Return the model card of a weight file.

    Raises:
        FileNotFoundError: If it has none.
    """
    return yaml.safe_load(weights.with_suffix(".yml").read_text(encoding="utf-8"))


def section(weights: Path) -> str:
    """Return the section of docs/model_zoo.md about a model."""
    card = card_of(weights)
    rows = [
        ("file", f"`{weights.relative_to(ROOT)}`, {weights.stat().st_size:,} bytes"),
        ("SHA-256", f"`{sha256_of(weights)}`"),
        *((text, card[text]) for text in TEXTS),
        *((f"result: {result['data']}", _metrics(result)) for result in card["results"]),
    ]
    table = markdown_table(("", ""), rows)
    title = f"## {card['name']}: {card['task']}"
    more = f"How it was made and measured: [{card['page']}]({card['page']})."
    return "\n".join([title, "", f"    {card['use']}", "", table, "", more])


def metafile() -> str:
    """Return the metafile of all shipped models, for the tools of OpenMMLab."""
    models = [_model(weights) for weights in shipped_weights()]
    names = [model["Name"] for model in models]
    collections = [{"Name": name, "README": "docs/model_zoo.md"} for name in names]
    content = {"Collections": collections, "Models": models}
    return NOTE + yaml.safe_dump(content, sort_keys=False, width=120)


def write() -> None:
    """Write the page and the metafile."""
    write_part(PAGE, "model_zoo", "models", "\n\n".join(map(section, shipped_weights())))
    METAFILE.write_text(metafile(), encoding="utf-8")


def _metrics(result: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in result.items() if key != "data")


def _model(weights: Path) -> dict[str, Any]:
    card = card_of(weights)
    results = [
        {
            "Task": card["task"],
            "Dataset": result["data"],
            "Metrics": {key: value for key, value in result.items() if key != "data"},
        }
        for result in card["results"]
    ]
    return {
        "Name": card["name"],
        "In Collection": card["name"],
        "Weights": str(weights.relative_to(ROOT)),
        "Metadata": {
            "SHA-256": sha256_of(weights),
            "Training Data": card["trained on"],
            "License": card["license"],
        },
        "Results": results,
    }


if __name__ == "__main__":
    run(write, __doc__)
