# Pre-training with mmpretrain.
default_scope = 'mmpretrain'
custom_imports = dict(imports=['simhand_mm.pretraining'], allow_failed_imports=False)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=10),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=500, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'))
custom_hooks = [
    # Reports how many weights of init_cfg.checkpoint match, and stops if none does.
    dict(type='simhand_mm.CheckpointReportHook'),
    dict(type='simhand_mm.MachineCheckHook'),
    dict(type='simhand_mm.ResumeCheckHook'),
    dict(type='simhand_mm.ScheduleCheckHook'),
    dict(type='simhand_mm.ResumeEpochHook'),
    dict(type='simhand_mm.NonFiniteLossHook'),
    dict(type='simhand_mm.CollapseHook', interval=10),
    dict(type='simhand_mm.PoseRetrievalHook'),
    dict(type='simhand_mm.PublishBackboneHook'),
]

sync_bn = 'torch'  # batch statistics over all GPUs; None on CPUs
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))  # gloo is used if there is no GPU
randomness = dict(seed=0)
visualizer = dict(
    type='UniversalVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
    name='visualizer')
log_processor = dict(type='LogProcessor', window_size=10, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
