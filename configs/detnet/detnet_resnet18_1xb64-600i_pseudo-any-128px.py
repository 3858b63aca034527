# For one's own videos (simhand adapt): pseudo-labels of a pool, and drawn hands of any appearance.
_base_ = './detnet_resnet18_1xb256-24e_synthetic-any-128px.py'
data_root = '{{$SIMHAND_DATA:data}}'

# Not in paper: everything below. 600 steps take about 20 minutes of two CPU cores.
max_iters = 600
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='simhand_mm.HandPoseDataset',
                data_root=f'{data_root}/labels',
                pipeline=_base_.train_pipeline),
            dict(
                type='simhand_mm.HandPoseDataset',
                data_root=f'{data_root}/drawn',
                pipeline=_base_.train_pipeline),
        ]))
test_dataloader = dict(num_workers=1, dataset=dict(data_root=f'{data_root}/drawn'))
train_cfg = dict(_delete_=True, by_epoch=False, max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, T_max=max_iters, eta_min=1e-6),
]
default_hooks = dict(
    logger=dict(interval=20, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=100))
log_processor = dict(window_size=20, by_epoch=False)
