# From a pre-trained backbone, which has no default: --cfg-options model.backbone.init_cfg.checkpoint=FILE.
_base_ = './detnet_resnet18_1xb16-30e_synthetic-64px.py'

model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=None, prefix='backbone.')))
