_base_ = [
    '../_base_/models/contrastive_resnet50.py',
    '../_base_/datasets/ego4d-1m_pairs.py',
    '../_base_/schedules/pretraining_larsadam-coslr-100e.py',
    '../_base_/runtimes/pretraining_runtime.py',
]

model = dict(
    neck=None,
    head=dict(
        _delete_=True,
        type='simhand_mm.KeypointHeatmapHead',
        in_channels=2048,
        input_size=128))
