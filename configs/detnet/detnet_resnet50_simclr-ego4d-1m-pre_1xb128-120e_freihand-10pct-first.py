# Table 2, SimCLR Ego-1M, FreiHand*: MPJPE 46.17, PCK-AUC 50.62 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simclr_resnet50_8xb1024-coslr-100e_ego4d-1m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
