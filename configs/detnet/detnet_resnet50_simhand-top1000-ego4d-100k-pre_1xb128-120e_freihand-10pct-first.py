# Table 4, SiMHand Top-1000 Ego-100K, FreiHand*: MPJPE 34.05, PCK-AUC 65.14 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-top1000-coslr-100e_ego4d-100k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
