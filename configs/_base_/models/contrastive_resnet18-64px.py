# A small encoder for the demonstration on a CPU.
_base_ = './contrastive_resnet50.py'

model = dict(
    channels_last=True,
    data_preprocessor=dict(input_size=64),
    backbone=dict(depth=18),
    neck=dict(in_channels=512))
