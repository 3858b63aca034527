# Tables 2 and 5, SiMHand w/o weights Ego-50K, FreiHand*: MPJPE 35.32, PCK-AUC 63.35 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-noweight-coslr-100e_ego4d-50k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
