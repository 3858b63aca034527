_base_ = './poseaware_resnet50_8xb1024-coslr-100e_ego4d-1m.py'

model = dict(
    auxiliary=dict(
        type='simhand_mm.KeypointRegressionHead', in_channels=2048, input_size=128, loss_weight=0.5))
