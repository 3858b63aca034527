# Table 5, TempCLR Ego-50K, FreiHand*: MPJPE 45.17, PCK-AUC 52.40 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/tempclr_resnet50_8xb1024-coslr-100e_ego4d-50k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
