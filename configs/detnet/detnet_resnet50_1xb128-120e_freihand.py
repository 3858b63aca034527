# Table 1, w/o pre-training, FreiHAND: MPJPE 19.21, PCK-AUC 85.61 in the paper.
_base_ = [
    '../_base_/models/detnet_resnet50.py',
    '../_base_/datasets/hand_pose.py',
    '../_base_/schedules/detnet_120e.py',
    '../_base_/runtimes/pose_runtime.py',
]

model = dict(head=dict(decoder=_base_.codec))

data_root = '{{$SIMHAND_DATA:data}}/FreiHAND_pub_v2'
bbox_scale = 2.0  # not in paper: from the released code
_base_.train_pipeline[1].bbox_scale = bbox_scale
_base_.test_pipeline[1].bbox_scale = bbox_scale
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root, pipeline=_base_.test_pipeline))
default_hooks = dict(
    checkpoint=dict(interval=5, save_best='root_scale/mpjpe_mm', rule='less'))  # on val
