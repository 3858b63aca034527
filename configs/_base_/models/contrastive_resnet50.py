# ResNet-50 with PeCLR's head and augmentation, shared by PeCLR, TempCLR and SiMHand (Sec. 4.1).
model = dict(
    type='simhand_mm.HandContrastive',
    channels_last=True,
    data_preprocessor=dict(
        type='simhand_mm.HandPairPreprocessor',
        input_size=128,
        augmentation=dict(
            # Not in paper: all ranges, from the released code.
            rotation_deg=(-45, 45),
            scale=(0.9, 1.5),
            translation=(0, 15 / 224),  # non-negative in the released code
            hue=(0.01, 1),
            saturation=(0.01, 1),
            value=(0.5, 1),
            brightness=(5, 20))),
    # Random weights. To start from ImageNet weights, as the released code does, add an init_cfg of
    # type Pretrained.
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN')),
    neck=dict(
        type='NonLinearNeck',
        in_channels=2048,
        hid_channels=512,  # not in paper: from the released code
        out_channels=128,  # not in paper: from the released code
        with_bias=True,
        with_last_bn=False,
        norm_cfg=dict(type='BN1d')),
    head=dict(
        type='simhand_mm.EquivariantContrastiveHead',
        invert_rotation=True,
        invert_translation=True,
        loss=dict(type='simhand_mm.SimilarHandLoss', temperature=0.5)))
