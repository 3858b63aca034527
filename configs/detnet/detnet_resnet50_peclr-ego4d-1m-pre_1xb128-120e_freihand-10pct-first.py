# Table 2, PeCLR Ego-1M, FreiHand*: MPJPE 34.42, PCK-AUC 64.93 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/peclr_resnet50_8xb1024-coslr-100e_ego4d-1m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
