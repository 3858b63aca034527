# A small encoder for the demonstration on a CPU: a ResNet-18 of half the width.
_base_ = './contrastive_resnet50.py'

model = dict(
    data_preprocessor=dict(input_size=64),
    backbone=dict(depth=18, stem_channels=32, base_channels=32),
    neck=dict(in_channels=256))
