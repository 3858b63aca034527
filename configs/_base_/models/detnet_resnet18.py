# A small DetNet for the demonstration on a CPU.
_base_ = './detnet_resnet50.py'

model = dict(
    backbone=dict(depth=18),
    head=dict(in_channels=512, deconv_channels=(64, 64, 64), head_channels=64))
