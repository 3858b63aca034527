# For one's own videos (simhand adapt): backbone and upsampling of the adapted model, on crops of a pool.
_base_ = './regression_resnet18_1xb128-coslr-6e_synthetic-64px.py'

model = dict(
    head=dict(
        type='simhand_mm.KeypointHeatmapHead',
        deconv_channels=(64, 64, 64),  # as in the small DetNet
        head_channels=64))

# Not in paper: everything below. Steps instead of epochs, so that the cost does not depend on the pool.
max_iters = 400
train_dataloader = dict(
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    drop_last=False,  # the sampler never ends; a small pool repeats hands within a batch
    # Held-out hands are left out. Crops of 256 px at half size: twice the hand's box, so the
    # view of the hand keeps 64 px.
    dataset=dict(poses='labels/poses/train.parquet', cache_gb=4.0))
train_cfg = dict(_delete_=True, by_epoch=False, max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=40),
    dict(type='CosineAnnealingLR', by_epoch=False, T_max=max_iters),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=100))
# There are no epochs to resume within.
custom_hooks = [
    hook for hook in _base_.custom_hooks if hook['type'] != 'simhand_mm.ResumeEpochHook'
]
log_processor = dict(by_epoch=False)
