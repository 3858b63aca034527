"""What pre-training and fine-tuning share in mmengine's Runner."""

from simhand_mm.engine.checkpoint_report import CheckpointReportHook
from simhand_mm.engine.optimization import BFloat16OptimWrapper, scale_learning_rate
from simhand_mm.engine.run_checks import MachineCheckHook, ResumeCheckHook, ScheduleCheckHook

__all__ = [
    "BFloat16OptimWrapper",
    "CheckpointReportHook",
    "MachineCheckHook",
    "ResumeCheckHook",
    "ScheduleCheckHook",
    "scale_learning_rate",
]
