# Table 1, SiMHand Exo-1M, FreiHAND: MPJPE 16.73, PCK-AUC 88.66 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-coslr-100e_100doh-1m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
