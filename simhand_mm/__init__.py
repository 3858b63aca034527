"""SiMHand for OpenMMLab: from hand videos to a 3D hand pose model.

Importing the package is fast (no torch, no framework) and installs the workarounds of
:mod:`simhand_mm.compat`, so that the tools of mmpretrain and mmpose run our configs with only
``custom_imports = dict(imports=['simhand_mm'])``.
"""

from simhand_mm import compat
from simhand_mm.version import __version__

compat.install()

__all__ = ["__version__"]
