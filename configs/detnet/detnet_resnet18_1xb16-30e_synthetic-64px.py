# From random weights, on a few hundred synthetic stills, as in tools/quickstart.sh.
_base_ = [
    '../_base_/models/detnet_resnet18.py',
    '../_base_/datasets/synthetic_pose-64px.py',
    '../_base_/runtimes/pose_runtime.py',
]

model = dict(head=dict(decoder=_base_.codec))

# Not in paper: everything below, chosen to train in a minute on two CPU cores.
max_epochs = 30
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=20),
    dict(type='CosineAnnealingLR', T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
