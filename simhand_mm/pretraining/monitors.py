"""Hooks that watch pre-training without labels, and stop it where it went wrong."""

import math
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import get_rank, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import DATASETS as ANY_DATASETS
from mmengine.runner import Runner
from torch.utils.data import Subset

from simhand_mm.functional import embeddings
from simhand_mm.functional.pose_distances import pairwise_keypoint_distance
from simhand_mm.pool import write_json
from simhand_mm.pretraining.encoders import embed_hands
from simhand_mm.registry import HOOKS


@HOOKS.register_module()
class CollapseHook(Hook):
    """Logs signs of collapse of the projections of a batch, as ``collapse/...``.

    ``std`` (1 spread, 0 collapsed), ``effective_rank`` (of the dimensions), ``alignment`` of
    positives (0 best) and ``uniformity`` (lower is more spread), see
    :mod:`simhand_mm.functional.embeddings`.

    Args:
        interval: Iterations between two looks.
        max_samples: Pairs of the batch that are looked at.
    """

    def __init__(self, interval: int = 50, max_samples: int = 1024) -> None:
        self.interval, self.max_samples = interval, max_samples

    @torch.no_grad()
    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Look at the projections that the loss saw last."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        projection = _unwrap(runner.model).head.latest_projection
        query, positive = (part[: self.max_samples] for part in projection.chunk(2))
        values = {
            "std": embeddings.mean_dimension_std(query),
            "effective_rank": embeddings.effective_rank(query),
            "alignment": embeddings.alignment(query, positive),
            "uniformity": embeddings.uniformity(query),
        }
        runner.message_hub.update_scalars({f"train/collapse/{k}": v for k, v in values.items()})


@HOOKS.register_module()
class PoseRetrievalHook(Hook):
    """Logs whether neighbours in feature space share a hand pose, as ``retrieval/...``.

    Each hand's nearest hand of *another video* is looked up by the features of the backbone.
    ``retrieved`` is the mean distance of their 2D keypoints (fraction of the input's side, hands
    centred and scaled alike), ``random`` and ``nearest`` are that of random and of the nearest
    hands, and ``score`` places the first between them: 0 is chance, 1 as good as mining by pose.
    The pool's own keypoints are all this needs. Hands are those of the videos that the training
    set holds out (``split='train', held_out=0.005``), or of all videos if it holds none out.

    Args:
        dataset: Config of another HandPairDataset to watch.
        max_samples: Hands looked at, evenly over the dataset.
        batch_size: Hands a forward pass.
        interval: Epochs between two looks.
    """

    def __init__(
        self,
        dataset: dict[str, Any] | None = None,
        max_samples: int = 1024,
        batch_size: int = 128,
        interval: int = 1,
    ) -> None:
        self.dataset_config = dataset
        self.max_samples, self.batch_size, self.interval = max_samples, batch_size, interval
        self._hands: Subset | None = None

    def before_train(self, runner: Runner) -> None:
        """Open the dataset early, so that mistakes show at once."""
        if self.dataset_config is None:
            trained: Any = runner.train_dataloader.dataset
            dataset = trained.watched()
        else:
            dataset = ANY_DATASETS.build(self.dataset_config)
        count = min(self.max_samples, len(dataset))
        rows = torch.linspace(0, len(dataset) - 1, count).long()
        self._group = torch.from_numpy(dataset.video_index)[rows]
        if len(self._group.unique()) < 2:
            runner.logger.warning("Pose retrieval is not watched: it takes hands of two videos.")
            return
        self._hands = Subset(dataset, rows.tolist())

    def after_train_epoch(self, runner: Runner) -> None:
        """Embed the hands on the first process and score the retrieval."""
        if self._hands is None or not is_main_process():
            return
        if not self.every_n_epochs(runner, self.interval):
            return
        scores = self._evaluate(_unwrap(runner.model), self._hands)
        runner.message_hub.update_scalars({f"train/retrieval/{k}": v for k, v in scores.items()})
        text = "  ".join(f"{name}: {value:.4f}" for name, value in scores.items())
        runner.logger.info(f"Pose retrieval of {len(self._hands)} hands: {text}")

    def _evaluate(self, model: Any, hands: Subset) -> dict[str, float]:
        model.eval()
        features, poses = embed_hands(
            lambda inputs: model.extract_feat(inputs)[-1],
            model.data_preprocessor,
            hands,
            self.batch_size,
        )
        model.train()
        neighbor = embeddings.nearest_of_other_group(features, self._group)
        scores = embeddings.retrieval_score(
            pairwise_keypoint_distance(poses, poses), neighbor, self._group
        )
        return {name: value.item() for name, value in scores.items()}


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stops training when the loss is NaN or infinite, and names the hands of the batch.

    The checkpoint of such a step is not written: the last good one stays.
    """

    priority = "ABOVE_NORMAL"

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Check the loss; all processes see the same value."""
        loss = outputs["loss"].item()
        if math.isfinite(loss):
            return
        dataset: Any = runner.train_dataloader.dataset
        pairs = [
            [dataset.hand_id(int(query)), dataset.hand_id(int(positive))]
            for query, positive in zip(
                data_batch["query_row"], data_batch["positive_row"], strict=True
            )
        ]
        path = Path(runner.work_dir) / f"nonfinite_loss_rank{get_rank()}.json"
        write_json(path, {"iter": runner.iter, "loss": str(loss), "pairs": pairs})
        raise FloatingPointError(
            f"loss must be finite, but got {loss} at iteration {runner.iter + 1}. The hands of the "
            f"batch are in {path}, beginning with {pairs[:4]}. Look at them with "
            "simhand browse-pool, lower the learning rate, or resume from the last checkpoint."
        )


def _unwrap(model: Any) -> Any:
    return model.module if is_model_wrapper(model) else model
