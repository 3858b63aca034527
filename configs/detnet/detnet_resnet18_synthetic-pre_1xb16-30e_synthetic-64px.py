# The same from a pre-trained backbone: model.backbone.init_cfg.checkpoint=... says from which.
_base_ = './detnet_resnet18_1xb16-30e_synthetic-64px.py'

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$SIMHAND_DATA:data}}/pretrain/simhand/backbone.pth',
            prefix='backbone.')))
