# A small encoder for CPUs: ResNet-18 with a quarter of the channels.
_base_ = './contrastive_resnet50.py'

model = dict(
    data_preprocessor=dict(input_size=64),
    backbone=dict(depth=18, stem_channels=16, base_channels=16),
    neck=dict(in_channels=128))
