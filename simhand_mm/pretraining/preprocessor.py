"""Preprocessor: from a batch of decoded crops to augmented views, on the device of the model."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.logging import MessageHub
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from simhand_mm.functional import affine as affine_maths
from simhand_mm.pretraining.augmentation import (
    Augmentation,
    AugmentationRanges,
    crop_affine,
    jitter_colors,
    sampling_lines,
    warp,
)
from simhand_mm.registry import MODELS

try:  # the compiled kernel of CPUs, which gives the same values as torch's operators
    from simhand_mm.functional import view_kernel
except ImportError:  # numba is not installed, or does not compile
    view_kernel = None

# Images that are augmented at a time: few enough for the cache of a CPU, enough to keep a GPU busy.
_CHUNK = {"cpu": 32, "cuda": 1024}
_RELEASED = "released"


@MODELS.register_module()
class HandPairPreprocessor(BaseDataPreprocessor):
    """Augments queries and positives of a batch and records the geometry.

    Random numbers depend only on the seed of the run, the iteration and the position of the pair
    in the global batch: a resumed run draws the same numbers as an uninterrupted one, and two
    processes with half the batch each the same as one. Computes in float32, also under autocast.

    Input keys (batches of HandPairDataset): ``query`` and ``positive`` uint8 BGR ``[N, H, H, 3]``
    (without ``positive`` both views are made from the query); ``query_keypoints_2d`` and
    ``positive_keypoints_2d`` ``[N, 21, 2]``, px of the crop; optionally ``query_pose_embedding``
    and ``positive_pose_embedding`` ``[N, D]``.

    Output keys: ``inputs`` ``[2N, 3, S, S]`` normalised RGB, all queries, then all positives;
    ``data_samples`` with ``keypoints_2d`` ``[2N, 21, 2]``, px of ``inputs``; ``crop_keypoints_2d``
    ``[2N, 21, 2]``, px of the crop, and ``pose_embedding`` ``[2N, D]``, both as in the input;
    ``affine`` ``[2N, 2, 3]`` from crop px to input px; ``rotation_deg`` ``[2N]``; ``translation``
    ``[2N, 2]``, the shift of the content as a fraction of the input's side.

    Args:
        input_size: S, side of the input in px.
        augmentation: Keyword arguments of AugmentationRanges. Without training, only a fixed
            window of scale 1.25 is cropped.
        padding: Padding beyond the border of a crop, see
            :func:`~simhand_mm.pretraining.augmentation.warp`.
        translation_divisor: ``'window'`` divides the shift by the side of the window, so that
            ``translation`` is exact; ``'released'`` divides it by ``input_size``, as in the
            released code.
        mean: Mean of R, G, B in [0, 255].
        std: Standard deviation of R, G, B in [0, 255].
        non_blocking: Whether copies to the device are non-blocking.

    Raises:
        ValueError: If ``translation_divisor`` is unknown.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        input_size: int,
        augmentation: dict[str, Any] | None = None,
        padding: str = "reflection",
        translation_divisor: str = "window",
        mean: tuple[float, float, float] = (123.675, 116.28, 103.53),
        std: tuple[float, float, float] = (58.395, 57.12, 57.375),
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if translation_divisor not in ("window", _RELEASED):
            raise ValueError(
                f"translation_divisor must be 'window' or 'released', but got "
                f"{translation_divisor!r}."
            )
        self.input_size = input_size
        self.ranges = AugmentationRanges(**(augmentation or {}))
        self.padding = padding
        self.translation_divisor = translation_divisor
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1) / 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1) / 255, persistent=False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Augment a batch. The docstring of the class lists the keys."""
        # mmengine calls the preprocessor under autocast, which would round pixel coordinates to
        # bfloat16.
        with torch.autocast(self.mean.device.type, enabled=False):
            return self._make_views(data, training)

    def _make_views(self, data: dict[str, Any], training: bool) -> dict[str, Any]:
        cast: Any = self.cast_data(data)
        data = cast
        count = len(data["query"])
        ranges = self.ranges if training else AugmentationRanges()
        draws = self._uniform(count).to(data["query"].device, non_blocking=True)  # [N, 2, 8]
        inputs = draws.new_empty(2 * count, 3, self.input_size, self.input_size)
        views = []
        for number, name in enumerate(("query", "positive")):
            crops, keypoints_2d = data.get(name, data["query"]), data[f"{name}_keypoints_2d"]
            drawn = ranges.draw(draws[:, number])
            affine, window = crop_affine(keypoints_2d, drawn, crops.shape[1], self.input_size)
            part = inputs[number * count : (number + 1) * count]
            self._render(crops, affine, drawn if ranges.has_color else None, part)
            views.append(self._record(keypoints_2d, affine, window, drawn, crops.shape[1]))
            if f"{name}_pose_embedding" in data:
                views[-1]["pose_embedding"] = data[f"{name}_pose_embedding"]
        samples = {key: torch.cat([view[key] for view in views]) for key in views[0]}
        return {"inputs": inputs, "data_samples": samples}

    def _render(
        self, crops: Tensor, affine: Tensor, colors: Augmentation | None, out: Tensor
    ) -> None:
        """Render views of BGR crops ``[N, H, H, 3]`` as normalised RGB ``[N, 3, S, S]``."""
        if view_kernel and crops.device.type == "cpu" and self.padding == "reflection":
            self._render_compiled(view_kernel.render, crops, affine, colors, out)
            return
        size = _CHUNK.get(crops.device.type, 1024)
        for start in range(0, len(crops), size):
            part = slice(start, start + size)
            images = crops[part].permute(0, 3, 1, 2)
            images = images.to(torch.float32, memory_format=torch.contiguous_format)
            images = warp(images, affine[part], self.input_size, self.padding)
            images = images.flip(1).div_(255)
            if colors is not None:
                images = jitter_colors(images, colors.part(part))
            torch.div(images - self.mean, self.std, out=out[part])

    def _render_compiled(
        self, render: Any, crops: Tensor, affine: Tensor, colors: Augmentation | None, out: Tensor
    ) -> None:
        """Render views as :meth:`_render`, by the compiled kernel, with the threads of torch."""
        lines = sampling_lines(affine, crops.shape[1], crops.shape[2], self.input_size)
        jitter = crops.new_empty(len(crops), 0, dtype=torch.float32)
        if colors is not None:
            jitter = [colors.hue, colors.saturation, colors.value, colors.brightness]
            jitter = torch.stack(jitter, dim=1)
        normalization = torch.stack([self.mean, self.std]).view(2, 3).numpy()
        arrays = [part.numpy() for part in (crops.contiguous(), *lines, jitter)]

        def render_some(images: slice) -> None:
            inputs = (array[images] for array in arrays)
            render(*inputs, normalization, out.numpy()[images])

        threads = torch.get_num_threads()
        step = -(-len(crops) // threads)
        parts = [slice(start, start + step) for start in range(0, len(crops), step)]
        if threads == 1:
            render_some(parts[0])
            return
        with ThreadPoolExecutor(threads) as pool:  # the kernel releases the GIL
            list(pool.map(render_some, parts))

    def _record(
        self,
        keypoints_2d: Tensor,
        affine: Tensor,
        window: Tensor,
        drawn: Augmentation,
        crop_size: int,
    ) -> dict[str, Tensor]:
        """Return the geometry of views, in the form that the head and the loss use."""
        divisor = self.input_size if self.translation_divisor == _RELEASED else window[:, None]
        return {
            "keypoints_2d": affine_maths.apply(affine, keypoints_2d),
            "crop_keypoints_2d": keypoints_2d,
            "affine": affine,
            "rotation_deg": drawn.rotation_deg,
            # The content moves in the opposite direction of the window.
            "translation": -drawn.translation * crop_size / divisor,
        }

    def _uniform(self, count: int) -> Tensor:
        """Uniform random numbers ``[N, 2, 8]`` of this process, a slice of the global batch's."""
        rank, world_size = get_dist_info()
        hub = MessageHub.get_current_instance()
        state = np.random.SeedSequence(
            [hub.get_info("seed", None) or 0, hub.get_info("iter", None) or 0]
        ).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0]) >> 1)
        draws = torch.rand(count * world_size, 2, AugmentationRanges.NUM_DRAWS, generator=generator)
        return draws[rank::world_size]  # samplers give every W-th pair to a process
