# Labelled stills of any appearance (simhand synthesize --stills any --image-size 192), as 128 px crops.
_base_ = './hand_pose.py'
data_root = '{{$SIMHAND_DATA:data}}/synthetic-any'

# Not in paper: strong randomization, because the model is for real images.
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='simhand_mm.HandCrop',
        input_size=_base_.codec['input_size'],
        bbox_scale=1.5,
        max_shift=0.12,
        scale_std=0.2,
        max_rotation_deg=45),
    dict(
        type='simhand_mm.ColorJitter',
        brightness=0.4,
        contrast=0.4,
        saturation=0.5,
        hue=0.06,
        prob=0.7,
        gray_prob=0.05),
    dict(type='simhand_mm.CameraEffects'),
    dict(type='GenerateTarget', encoder=_base_.codec),
    dict(type='simhand_mm.PackTargets'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='simhand_mm.HandCrop', input_size=_base_.codec['input_size'], bbox_scale=1.5),
    dict(type='PackPoseInputs', meta_keys=_base_.meta_keys),
]

train_dataloader = dict(
    batch_size=256,
    num_workers=15,
    dataset=dict(data_root=data_root, pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
val_dataloader = None
val_evaluator = None
val_cfg = None
