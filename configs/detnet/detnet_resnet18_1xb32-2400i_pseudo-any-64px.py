# For one's own videos (simhand adapt): pseudo-labels of a pool, synthetic hands of any appearance.
_base_ = [
    '../_base_/models/detnet_resnet18.py',
    '../_base_/datasets/synthetic_pose-any-128px.py',
    '../_base_/runtimes/pose_runtime.py',
]
data_root = '{{$SIMHAND_DATA:data}}'

# Not in paper: everything below. 2,400 steps take about 9 minutes of one CPU core.
codec = dict(type='simhand_mm.DetNetCodec', input_size=(64, 64), heatmap_size=(16, 16))
model = dict(head=dict(decoder=dict(codec, subpixel=True)))
train_pipeline = _base_.train_pipeline
train_pipeline[1].input_size = codec['input_size']
train_pipeline[-2].encoder = codec
# Hands of the videos are changed less than synthetic ones: they look already like those to predict.
real_pipeline = [
    dict(type='LoadImage'),
    dict(train_pipeline[1], max_shift=0.06, scale_std=0.1, max_rotation_deg=20),
    dict(train_pipeline[2], prob=0.3),
    dict(train_pipeline[3], prob=0.1),
    *train_pipeline[-2:],
]
test_pipeline = _base_.test_pipeline
test_pipeline[1].input_size = codec['input_size']

max_iters = 2400
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        # The share of each set in the batches follows from its size and its repetitions.
        datasets=[
            dict(
                type='RepeatDataset',
                times=1,
                dataset=dict(
                    type='simhand_mm.HandPoseDataset',
                    data_root=f'{data_root}/{name}',
                    ann_file='poses/train.parquet',
                    pipeline=pipeline))
            for name, pipeline in (('labels', real_pipeline), ('synthetic', train_pipeline))
        ]))
test_dataloader = dict(
    num_workers=1, dataset=dict(data_root=f'{data_root}/synthetic', pipeline=test_pipeline))
train_cfg = dict(by_epoch=False, max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, T_max=max_iters, eta_min=1e-6),
]
default_hooks = dict(
    logger=dict(interval=20, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=100))
custom_hooks = [*_base_.custom_hooks, dict(type='simhand_mm.PublishModelHook')]
log_processor = dict(window_size=20, by_epoch=False)
