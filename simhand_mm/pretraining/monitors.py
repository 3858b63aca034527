"""Hooks that monitor pre-training without labels, and stop it if the loss is not finite."""

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
from simhand_mm.pretraining.features import embed_hands
from simhand_mm.registry import HOOKS


@HOOKS.register_module()
class CollapseHook(Hook):
    """Logs signs of collapse in the projections of a batch, as ``collapse/...``.

    The values are ``std`` (1 if spread, 0 if collapsed), ``effective_rank`` (number of dimensions
    in use), ``alignment`` of positives (0 is best) and ``uniformity`` (lower is more spread), see
    :mod:`simhand_mm.functional.embeddings`.

    Args:
        interval: Interval in iterations.
        max_samples: Maximum number of pairs per batch that are used.
    """

    def __init__(self, interval: int = 50, max_samples: int = 1024) -> None:
        self.interval, self.max_samples = interval, max_samples

    @torch.no_grad()
    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Log the statistics of the projections of the last batch."""
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
    """Logs whether neighbours in feature space have similar poses, as ``retrieval/...``.

    For each hand, the nearest hand of *another video* is retrieved by the features of the backbone.
    ``retrieved`` is the mean distance of their 2D keypoints (as a fraction of the input's side, in
    views that are centred and scaled alike), ``random`` and ``nearest`` are the same for random
    hands and for the nearest hands by pose, and ``score`` is 0 at ``random`` and 1 at ``nearest``.
    Needs no labels: the distances are those of the pool's keypoints. The hands are those of the
    held-out videos of the training set (``split='train', held_out=0.005``), or of all videos if
    none are held out.

    Args:
        dataset: Config of a HandPairDataset to use instead of the training set.
        max_samples: Maximum number of hands, evenly spaced over the dataset.
        batch_size: Hands per forward pass.
        interval: Interval in epochs.
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
        """Open the dataset before training, so that errors in its config appear at once."""
        if self.dataset_config is None:
            trained: Any = runner.train_dataloader.dataset
            dataset = trained.watched()
        else:
            dataset = ANY_DATASETS.build(self.dataset_config)
        count = min(self.max_samples, len(dataset))
        rows = torch.linspace(0, len(dataset) - 1, count).long()
        self._group = torch.from_numpy(dataset.video_index)[rows]
        if len(self._group.unique()) < 2:
            runner.logger.warning(
                "Pose retrieval is not monitored: it needs hands of at least two videos."
            )
            return
        self._hands = Subset(dataset, rows.tolist())

    def after_train_epoch(self, runner: Runner) -> None:
        """Compute features on the main process and log the retrieval score."""
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
    """Stops training if the loss is NaN or infinite, and reports the hands of the batch.

    Runs before checkpoints are written, so the last checkpoint is from before that step.
    """

    priority = "ABOVE_NORMAL"

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Check the loss, which is the same on all processes.

        Raises:
            FloatingPointError: If the loss is not finite.
        """
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
            f"batch are listed in {path}; the first pairs are {pairs[:4]}. Look at them with "
            "simhand browse-pool, lower the learning rate, or resume from the last checkpoint."
        )


def _unwrap(model: Any) -> Any:
    return model.module if is_model_wrapper(model) else model
