# From a pre-trained backbone. Set its file: --cfg-options model.backbone.init_cfg.checkpoint=FILE.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=None, prefix='backbone.')))
