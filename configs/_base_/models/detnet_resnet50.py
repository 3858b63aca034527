# DetNet on a ResNet-50 (SiMHand, Sec. 4.1 and 6.2). A leaf sets model.head.decoder.
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='mmengine.ImgDataPreprocessor',  # mmpose's only adds the padding, of which there is none
        # The same as in pre-training.
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        non_blocking=True),
    backbone=dict(type='ResNet', depth=50),
    head=dict(
        type='simhand_mm.DetNetHead',
        in_channels=2048,
        loss=dict(type='simhand_mm.DetNetLoss')))
