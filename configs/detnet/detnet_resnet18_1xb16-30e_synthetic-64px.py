# From random weights, on a few hundred synthetic stills, as in tools/quickstart.sh.
_base_ = [
    '../_base_/models/detnet_resnet18.py',
    '../_base_/datasets/synthetic_pose-64px.py',
    '../_base_/schedules/detnet_30e.py',
    '../_base_/runtimes/pose_runtime.py',
]

model = dict(head=dict(decoder=_base_.codec))
