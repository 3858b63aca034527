# Table 1, PeCLR Exo-1M, DexYCB s1: MPJPE 18.39, PCK-AUC 86.33 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_dexycb.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/peclr_resnet50_8xb1024-coslr-100e_100doh-1m/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
