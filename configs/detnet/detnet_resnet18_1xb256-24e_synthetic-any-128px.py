# For real images: ResNet-18 with 40 instead of 64 channels, trained on synthetic hands of any appearance.
_base_ = [
    '../_base_/models/detnet_resnet18.py',
    '../_base_/datasets/synthetic_pose-any-128px.py',
    '../_base_/runtimes/pose_runtime.py',
]

# Not in paper: everything below.
model = dict(
    backbone=dict(stem_channels=40, base_channels=40),
    head=dict(
        in_channels=320,
        deconv_channels=(96, 96, 96),
        head_channels=96,
        decoder=dict(_base_.codec, subpixel=True)))
max_epochs = 24
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
custom_hooks = [*_base_.custom_hooks, dict(type='simhand_mm.PublishModelHook')]
