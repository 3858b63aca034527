_base_ = './regression_resnet18_1xb128-coslr-6e_synthetic-64px.py'

model = dict(
    head=dict(
        type='simhand_mm.KeypointHeatmapHead',
        deconv_channels=(64, 64, 64),  # as in the small DetNet
        head_channels=64))
