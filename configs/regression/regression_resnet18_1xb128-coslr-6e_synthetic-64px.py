_base_ = [
    '../_base_/models/contrastive_resnet18-64px.py',
    '../_base_/datasets/synthetic_pairs.py',
    '../_base_/schedules/pretraining_coslr-6e.py',
    '../_base_/runtimes/pretraining_cpu_runtime.py',
]

model = dict(
    neck=None,
    head=dict(
        _delete_=True,
        type='simhand_mm.KeypointRegressionHead',
        in_channels=128,
        input_size=64))
