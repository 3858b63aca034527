# Table 3, SimCLR with weights Ego-100K, FreiHand*: MPJPE 52.58, PCK-AUC 44.70 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/simclr_resnet50_8xb1024-weight-coslr-100e_ego4d-100k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
