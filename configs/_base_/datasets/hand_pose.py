# Labelled hands as 128 px crops. A leaf sets the data set and, where it differs, bbox_scale.
codec = dict(type='simhand_mm.DetNetCodec', input_size=(128, 128), heatmap_size=(32, 32))
meta_keys = ('sample_id', 'img_path', 'ori_shape', 'img_shape', 'handedness', 'is_mirrored',
             'affine', 'camera_matrix', 'input_size', 'input_center', 'input_scale')

# Not in paper: the augmentation, from the released code.
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='simhand_mm.HandCrop',
        input_size=codec['input_size'],
        bbox_scale=1.75,  # not in paper: from the released code; 2.0 there for FreiHAND
        max_shift=0.1,
        scale_std=0.1,
        max_rotation_deg=90),
    dict(type='simhand_mm.ColorJitter', brightness=0.5, contrast=0.5, saturation=0.5, hue=0.15),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='simhand_mm.PackTargets'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='simhand_mm.HandCrop', input_size=codec['input_size'], bbox_scale=1.75),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]

train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    collate_fn=dict(type='default_collate'),  # all crops have one size: send a single tensor
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='simhand_mm.HandPoseDataset', ann_file='poses/train.parquet', pipeline=train_pipeline))
# Checkpoints are chosen on val; test is only for the final numbers.
val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='simhand_mm.HandPoseDataset',
        ann_file='poses/val.parquet',
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=128,
    num_workers=4,
    drop_last=False,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='simhand_mm.HandPoseDataset',
        ann_file='poses/test.parquet',
        test_mode=True,
        pipeline=test_pipeline))
val_evaluator = dict(type='simhand_mm.HandPoseMetric')
test_evaluator = dict(type='simhand_mm.HandPoseMetric')
val_cfg = dict()
test_cfg = dict()
