# Table 2, SiMHand w/o weights Ego-500K, FreiHand*: MPJPE 28.27, PCK-AUC 72.97 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-noweight-coslr-100e_ego4d-500k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
