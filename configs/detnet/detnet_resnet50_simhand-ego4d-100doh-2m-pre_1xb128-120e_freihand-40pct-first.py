# Figure 4, SiMHand Ego&Exo-2M, 40 % of FreiHAND (the paper shows a curve, no number).
_base_ = './detnet_resnet50_1xb128-120e_freihand-40pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-coslr-100e_ego4d-100doh-2m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
