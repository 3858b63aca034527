# Tables 2 to 6, SiMHand w/o weights Ego-100K, FreiHand*: MPJPE 31.06, PCK-AUC 68.66 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simhand_resnet50_8xb1024-noweight-coslr-100e_ego4d-100k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
