# Tables 1 and 8, SiMHand Ego&Exo-2M, AssemblyHands: MPJPE 18.23, PCK-AUC 86.90 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_assemblyhands.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-coslr-100e_ego4d-100doh-2m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
