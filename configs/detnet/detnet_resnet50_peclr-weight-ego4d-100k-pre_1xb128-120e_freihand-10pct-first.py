# Table 3, PeCLR with weights Ego-100K, FreiHand*: MPJPE 44.61, PCK-AUC 53.37 in the paper.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

init_cfg = dict(
    type='Pretrained',
    checkpoint='work_dirs/peclr_resnet50_8xb1024-weight-coslr-100e_ego4d-100k/backbone.pth',
    prefix='backbone.')
model = dict(backbone=dict(init_cfg=init_cfg))
