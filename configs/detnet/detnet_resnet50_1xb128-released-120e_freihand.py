# Table 1, w/o pre-training, FreiHAND, with the recipe of the training script published in March 2025
# (docs/deviations.md). Except: images are not inverted, and checkpoints are not chosen on the test set.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

codec = dict(
    type='simhand_mm.DetNetCodec',
    input_size=(128, 128),
    heatmap_size=(32, 32),
    released_heatmaps=True)
model = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[255.0] * 3),  # x / 255 - 0.5
    head=dict(
        decoder=codec,
        loss=dict(over_batch=True),
        # The script initialises all convolutions, even those of a pre-trained backbone, which would undo pre-training.
        init_cfg=dict(type='Kaiming', layer='Conv2d', mode='fan_in')))

train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='simhand_mm.HandCrop',
        input_size=codec['input_size'],
        bbox_scale=2.0,
        max_shift=0.1,
        scale_std=0.1,
        max_rotation_deg=90),
    dict(type='mmpretrain.GaussianBlur', prob=1.0, magnitude_range=(0, 0.5), magnitude_std='inf'),
    dict(type='simhand_mm.ColorJitter', brightness=0.5, contrast=0.5, saturation=0.5, hue=0.15),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='simhand_mm.PackTargets'),
]
# Batch size 128, as in the paper and the released README; the default of the script is 32.
train_dataloader = dict(drop_last=False, dataset=dict(pipeline=train_pipeline))

optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, weight_decay=0))
param_scheduler = [dict(type='StepLR', step_size=250, gamma=0.1)]  # constant over 120 epochs
