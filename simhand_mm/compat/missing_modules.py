"""Modules that other libraries import, but that are missing: compiled parts, old packages."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from typing import Any


def stub_mmcv_operators() -> None:
    """Stand in for the operators of mmcv, which raise an error when they are called."""
    stub = types.ModuleType("mmcv._ext")
    stub.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", loader=None)

    def missing_operator(name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)

        def operator(*_: Any, **__: Any) -> None:
            raise NotImplementedError(
                f"mmcv must be installed with its compiled operators to call {name!r}, but got "
                "mmcv-lite. Install mmcv==2.1.0 built for this version of torch."
            )

        return operator

    stub.__getattr__ = missing_operator
    sys.modules.setdefault("mmcv._ext", stub)


def alias_cocotools() -> None:
    """Replace ``xtcocotools``, which mmpose imports: no wheels for Python 3.12 or NumPy 2."""
    if importlib.util.find_spec("pycocotools") is None:
        return
    for name in ("", ".coco", ".cocoeval", ".mask"):
        _FINDER_ALIASES[f"xtcocotools{name}"] = f"pycocotools{name}"
    sys.meta_path.append(_AliasFinder())


_FINDER_ALIASES: dict[str, str] = {}


class _AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module under the name of another."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name in _FINDER_ALIASES:
            return importlib.machinery.ModuleSpec(name, self, is_package=name == "xtcocotools")
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        original = importlib.import_module(_FINDER_ALIASES[spec.name])
        copy = types.ModuleType(spec.name)
        copy.__dict__.update(
            {key: value for key, value in vars(original).items() if not key.startswith("__")}
        )
        return copy

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing, because the module is a copy of a loaded one."""


def find_packages_by_importlib(module: Any) -> None:
    """Look packages up without ``pkg_resources``."""

    def is_installed(package: str) -> bool:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None

    def get_installed_path(package: str) -> str:
        spec: Any = importlib.util.find_spec(package)
        return os.path.dirname(spec.origin)

    module.is_installed, module.get_installed_path = is_installed, get_installed_path
