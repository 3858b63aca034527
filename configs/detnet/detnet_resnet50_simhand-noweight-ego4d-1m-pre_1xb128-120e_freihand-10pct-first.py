# Table 2, SiMHand w/o weights Ego-1M, FreiHand*: MPJPE 23.68, PCK-AUC 79.62 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-noweight-coslr-100e_ego4d-1m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
