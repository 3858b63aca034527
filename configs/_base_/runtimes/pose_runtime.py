# Fine-tuning with mmpose.
default_scope = 'mmpose'
data_mode = 'topdown'  # read by mmpose's MMPoseInferencer
custom_imports = dict(imports=['simhand_mm.pose'], allow_failed_imports=False)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # Keep two, because the older one is removed before the newer one is complete.
    checkpoint=dict(type='CheckpointHook', interval=10, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='PoseVisualizationHook', enable=False))
custom_hooks = [
    dict(type='simhand_mm.MachineCheckHook'),
    dict(type='simhand_mm.ResumeCheckHook'),
    dict(type='simhand_mm.ScheduleCheckHook'),
    dict(type='SyncBuffersHook'),
    # Reports how many weights of init_cfg.checkpoint match, and stops if none does.
    dict(type='simhand_mm.CheckpointReportHook'),
]

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0)
visualizer = dict(
    type='PoseLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer')
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
