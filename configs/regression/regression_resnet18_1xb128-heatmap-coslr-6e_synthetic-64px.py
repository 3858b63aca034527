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
        type='simhand_mm.KeypointHeatmapHead',
        in_channels=128,
        deconv_channels=(64, 64, 64),  # as in the small DetNet
        head_channels=64,
        input_size=64))
