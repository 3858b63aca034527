"""What pre-training and fine-tuning share in mmengine's Runner."""

from simhand_mm.engine.checkpoint_report import CheckpointReportHook
from simhand_mm.engine.optimization import BFloat16OptimWrapper, scale_learning_rate

__all__ = ["BFloat16OptimWrapper", "CheckpointReportHook", "scale_learning_rate"]
