# Table 1, w/o pre-training, AssemblyHands.
_base_ = [
    '../_base_/models/detnet_resnet50.py',
    '../_base_/datasets/hand_pose.py',
    '../_base_/schedules/detnet_120e.py',
    '../_base_/runtimes/pose_runtime.py',
]

model = dict(head=dict(decoder=_base_.codec))

data_root = '{{$SIMHAND_DATA:data}}/AssemblyHands'
train_dataloader = dict(dataset=dict(data_root=data_root))
# The labels of the official test split are not public, so val is the test set, and checkpoints are chosen on sequences
# that `simhand convert` holds out of train.
val_dataloader = dict(dataset=dict(data_root=data_root, ann_file='poses/holdout.parquet'))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='poses/val.parquet'))
default_hooks = dict(
    checkpoint=dict(interval=5, save_best='root_scale/mpjpe_mm', rule='less'))  # on holdout
