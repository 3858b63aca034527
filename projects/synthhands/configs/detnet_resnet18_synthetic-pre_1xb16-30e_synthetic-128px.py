_base_ = './detnet_resnet18_1xb16-30e_synthetic-128px.py'

model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=None, prefix='backbone.')))
