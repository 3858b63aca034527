# Table 1, PeCLR Ego&Exo-2M, FreiHAND: MPJPE 18.19, PCK-AUC 86.76 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/peclr_resnet50_8xb1024-coslr-100e_ego4d-100doh-2m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
