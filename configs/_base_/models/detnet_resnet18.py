# A small DetNet for the demonstration on a CPU: a ResNet-18 of half the width.
_base_ = './detnet_resnet50.py'

model = dict(
    backbone=dict(depth=18, stem_channels=32, base_channels=32),
    head=dict(in_channels=256, deconv_channels=(64, 64, 64), head_channels=64))
