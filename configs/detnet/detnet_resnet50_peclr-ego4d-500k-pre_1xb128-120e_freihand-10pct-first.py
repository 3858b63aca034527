# Table 2, PeCLR Ego-500K, FreiHand*: MPJPE 43.18, PCK-AUC 54.15 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/peclr_resnet50_8xb1024-coslr-100e_ego4d-500k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
