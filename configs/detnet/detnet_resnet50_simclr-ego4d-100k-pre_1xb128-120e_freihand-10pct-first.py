# Tables 2 and 3, SimCLR Ego-100K, FreiHand*: MPJPE 53.49, PCK-AUC 43.12 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simclr_resnet50_8xb1024-coslr-100e_ego4d-100k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
