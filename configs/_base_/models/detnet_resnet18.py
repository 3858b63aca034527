# A small DetNet for CPUs: ResNet-18 with a quarter of the channels.
_base_ = './detnet_resnet50.py'

model = dict(
    backbone=dict(depth=18, stem_channels=16, base_channels=16),
    head=dict(in_channels=128, deconv_channels=(64, 64, 64), head_channels=64))
