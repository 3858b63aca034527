# A small encoder for CPUs: a ResNet-18 of a quarter of the width.
_base_ = './contrastive_resnet50.py'

model = dict(
    data_preprocessor=dict(input_size=64),
    backbone=dict(depth=18, stem_channels=16, base_channels=16),
    neck=dict(in_channels=128))
