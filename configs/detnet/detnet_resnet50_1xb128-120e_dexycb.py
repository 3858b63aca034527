# Table 1, w/o pre-training, DexYCB s1.
_base_ = [
    '../_base_/models/detnet_resnet50.py',
    '../_base_/datasets/hand_pose.py',
    '../_base_/schedules/detnet_120e.py',
    '../_base_/runtimes/pose_runtime.py',
]

model = dict(head=dict(decoder=_base_.codec))

data_root = '{{$SIMHAND_DATA:data}}/DexYCB'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
default_hooks = dict(
    checkpoint=dict(interval=5, save_best='root_scale/mpjpe_mm', rule='less'))  # on val
