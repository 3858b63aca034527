# Figure 4, SimCLR Ego-1M, 40 % of FreiHAND (the paper shows a curve, no number).
_base_ = './detnet_resnet50_1xb128-120e_freihand-40pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simclr_resnet50_8xb1024-coslr-100e_ego4d-1m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
