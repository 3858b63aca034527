# From the paper: batch size 128. Not in paper: 120 epochs (released README); optimiser, learning rate and schedule
# (configs/detnet/README.md).
max_epochs = 120
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=128)
