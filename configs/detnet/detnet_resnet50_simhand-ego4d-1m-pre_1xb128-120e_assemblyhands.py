# Table 1, SiMHand Ego-1M, AssemblyHands: MPJPE 18.26, PCK-AUC 86.95 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_assemblyhands.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-coslr-100e_ego4d-1m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
