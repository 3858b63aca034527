# Table 1, w/o pre-training, FreiHAND.
_base_ = [
    '../_base_/models/detnet_resnet50.py',
    '../_base_/datasets/hand_pose.py',
    '../_base_/schedules/detnet_120e.py',
    '../_base_/runtimes/pose_runtime.py',
]

model = dict(head=dict(decoder=_base_.codec))

data_root = '{{$SIMHAND_DATA:data}}/FreiHAND_pub_v2'
# Not in paper: larger crops than for the other sets, from the released code.
crop = 'simhand_mm.HandCrop'
train_pipeline = [dict(t, bbox_scale=2.0) if t.type == crop else t for t in _base_.train_pipeline]
test_pipeline = [dict(t, bbox_scale=2.0) if t.type == crop else t for t in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
default_hooks = dict(
    checkpoint=dict(interval=5, save_best='root_scale/mpjpe_mm', rule='less'))  # on val
