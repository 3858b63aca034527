# Table 1, SimCLR Ego&Exo-2M, FreiHAND: MPJPE 20.07, PCK-AUC 84.32 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simclr_resnet50_8xb1024-coslr-100e_ego4d-100doh-2m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
