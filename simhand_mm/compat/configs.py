"""mmengine's Config: our configs as bases, and environment variables with quotes or backslashes."""

import os
import re
import types
from pathlib import Path
from typing import Any

from simhand_mm.cli import find_file


def mend_config(module: types.ModuleType) -> None:
    """Apply all workarounds to ``mmengine.config.config``."""
    _find_our_bases(module)
    _quote_environment_variables(module)


def _find_our_bases(module: types.ModuleType) -> None:
    """Let ``_base_ = 'simhand_mm::simhand/NAME.py'`` name a config of this package.

    mmengine accepts such names for a fixed list of packages.
    """
    find = module.Config._get_cfg_path

    def find_base(cfg_path: str, filename: str) -> tuple[str, str | None]:
        package, separator, name = cfg_path.partition("::")
        if package == "simhand_mm" and separator:
            # Without a scope, as if the config inherited from a file: its default scope holds.
            return str(find_file(f"configs/{name}")), None
        return find(cfg_path, filename)

    module.Config._get_cfg_path = staticmethod(find_base)


def _quote_environment_variables(module: types.ModuleType) -> None:
    """Escape the values that replace ``{{$NAME:default}}`` inside a string of a config."""
    substitute = module.Config._substitute_env_variables

    def substitute_quoted(filename: str, temp_config_name: str) -> Any:
        if not str(filename).endswith(".py"):
            return substitute(filename, temp_config_name)
        text = Path(filename).read_text(encoding="utf-8")
        used: dict[str, str] = {}

        def value_of(match: re.Match[str]) -> str:
            name, default = match["name"], match["default"]
            if name not in os.environ:
                return default
            used[name] = os.environ[name]
            return _escape(used[name])

        # Only inside a string; mmengine handles other forms, such as {{'$CLASSES:80'}}.
        inside = r"(?<=['\"])\{\{\s*\$(?P<name>\w+)\s*:\s*(?P<default>[^\s'\"}]+)\s*\}\}"
        text = re.sub(inside, value_of, text)
        Path(temp_config_name).write_text(text, encoding="utf-8")
        return used | substitute(temp_config_name, temp_config_name)

    module.Config._substitute_env_variables = staticmethod(substitute_quoted)


def _escape(text: str) -> str:
    """Escape a text so that it can be written between quotes of either kind."""
    for character, written in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(character, written)
    return text
