"""Patching modules when they are imported."""

import importlib.abc
import importlib.util
import sys
import types
from collections.abc import Callable
from typing import Any


class _PatchingFinder(importlib.abc.MetaPathFinder):
    """Patches a module after the regular finders have loaded it."""

    def __init__(self) -> None:
        self.patches: dict[str, Callable[[Any], None]] = {}

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        patch = self.patches.pop(name, None)
        if patch is None:
            return None
        spec: Any = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_patch(module: types.ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = execute_and_patch
        return spec


_FINDER = _PatchingFinder()


def after_import(name: str, patch: Callable[[Any], None]) -> None:
    """Call ``patch`` with a module: now if it is imported, else right after it is."""
    if name in sys.modules:
        patch(sys.modules[name])
    else:
        _FINDER.patches[name] = patch
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
