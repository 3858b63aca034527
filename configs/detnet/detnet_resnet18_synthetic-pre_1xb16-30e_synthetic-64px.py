# From a pre-trained backbone. Set its file: --cfg-options model.backbone.init_cfg.checkpoint=FILE.
_base_ = './detnet_resnet18_1xb16-30e_synthetic-64px.py'

model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=None, prefix='backbone.')))
