# Not in paper: a demonstration that takes about 90 seconds on two CPU cores.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=6)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-3, weight_decay=1e-6))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', T_max=5, begin=1, by_epoch=True, convert_to_iter_based=True),
]
