_base_ = 'mmpose::_base_/default_runtime.py'

# The data set, transforms, codec, head, loss and metric of simhand_mm.
custom_imports = dict(imports=['simhand_mm.pose'], allow_failed_imports=False)

# runtime
train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=5)
auto_scale_lr = dict(base_batch_size=128)
randomness = dict(seed=0)

# optimizer
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2))

# learning policy
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(
        type='CosineAnnealingLR',
        T_max=120,
        eta_min=1e-6,
        convert_to_iter_based=True)
]

# codec settings
codec = dict(
    type='simhand_mm.DetNetCodec',
    input_size=(128, 128),
    heatmap_size=(32, 32))

# model settings
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='mmengine.ImgDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        non_blocking=True),
    # The backbone of a pre-training; set its file on the command line.
    backbone=dict(
        type='ResNet',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint=None, prefix='backbone.')),
    head=dict(
        type='simhand_mm.DetNetHead',
        in_channels=2048,
        loss=dict(type='simhand_mm.DetNetLoss'),
        decoder=codec))

# base dataset settings
dataset_type = 'simhand_mm.HandPoseDataset'
data_root = 'data/FreiHAND_pub_v2'
meta_keys = ('sample_id', 'img_path', 'ori_shape', 'img_shape', 'handedness',
             'is_mirrored', 'affine', 'camera_matrix', 'input_size',
             'input_center', 'input_scale')

# pipelines
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='simhand_mm.HandCrop',
        input_size=(128, 128),
        bbox_scale=2.0,
        max_shift=0.1,
        scale_std=0.1,
        max_rotation_deg=90),
    dict(
        type='simhand_mm.ColorJitter',
        brightness=0.5,
        contrast=0.5,
        saturation=0.5,
        hue=0.15),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='simhand_mm.PackTargets')
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='simhand_mm.HandCrop', input_size=(128, 128), bbox_scale=2.0),
    dict(type='PackPoseInputs', meta_keys=meta_keys)
]

# data loaders
train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='poses/train.parquet',
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='poses/val.parquet',
        test_mode=True,
        pipeline=val_pipeline))
test_dataloader = dict(
    batch_size=128,
    num_workers=4,
    drop_last=False,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='poses/test.parquet',
        test_mode=True,
        pipeline=val_pipeline))

# evaluators
val_evaluator = dict(type='simhand_mm.HandPoseMetric')
test_evaluator = val_evaluator

# hooks
default_hooks = dict(
    checkpoint=dict(
        interval=5,
        save_best='root_scale/mpjpe_mm',
        rule='less',
        max_keep_ckpts=2))
custom_hooks = [
    dict(type='SyncBuffersHook'),
    # Reports how many weights of the checkpoint match; stops if none does.
    dict(type='simhand_mm.CheckpointReportHook')
]
