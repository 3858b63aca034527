# Tables 2, 3 and 5, PeCLR Ego-100K, FreiHand*: MPJPE 46.00, PCK-AUC 51.50 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/peclr_resnet50_8xb1024-coslr-100e_ego4d-100k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
