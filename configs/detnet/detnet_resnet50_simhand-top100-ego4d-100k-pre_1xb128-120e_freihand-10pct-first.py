# Table 4, SiMHand Top-100 Ego-100K, FreiHand*: MPJPE 31.54, PCK-AUC 67.70 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-top100-coslr-100e_ego4d-100k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
