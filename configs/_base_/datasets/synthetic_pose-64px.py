# Labelled stills written by tools/synthesize_hands.py, as 64 px crops.
dataset_type = 'simhand_mm.HandPoseDataset'
data_root = '{{$SIMHAND_DATA:data}}/synthetic'
codec = dict(type='simhand_mm.DetNetCodec', input_size=(64, 64), heatmap_size=(16, 16))
meta_keys = ('sample_id', 'img_path', 'ori_shape', 'img_shape', 'handedness', 'is_mirrored',
             'affine', 'camera_matrix', 'input_size', 'input_center', 'input_scale')

# Not in paper: weaker augmentation than in the released code, for training of a few minutes.
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='simhand_mm.HandCrop',
        input_size=codec['input_size'],
        bbox_scale=1.5,
        max_shift=0.1,
        scale_std=0.1,
        max_rotation_deg=20),
    dict(type='simhand_mm.ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.03),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='simhand_mm.PackTargets'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='simhand_mm.HandCrop', input_size=codec['input_size'], bbox_scale=1.5),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=0,  # stills are small, and worker processes would compete with training for cores
    collate_fn=dict(type='default_collate'),  # all crops have one size: send a single tensor
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='poses/train.parquet',
        pipeline=train_pipeline))
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='poses/test.parquet',
        test_mode=True,
        pipeline=test_pipeline))
test_evaluator = dict(type='simhand_mm.HandPoseMetric')
test_cfg = dict()
