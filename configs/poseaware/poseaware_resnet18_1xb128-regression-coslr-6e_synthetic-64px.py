_base_ = './poseaware_resnet18_1xb128-coslr-6e_synthetic-64px.py'

model = dict(
    auxiliary=dict(
        type='simhand_mm.KeypointRegressionHead', in_channels=128, input_size=64, loss_weight=0.5))
