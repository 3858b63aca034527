_base_ = [
    '../_base_/models/contrastive_resnet50.py',
    '../_base_/datasets/ego4d-1m_pairs.py',
    '../_base_/schedules/pretraining_larsadam-coslr-100e.py',
    '../_base_/runtimes/pretraining_runtime.py',
]

train_dataloader = dict(dataset=dict(pairs='similar', rank=1))
model = dict(
    head=dict(
        loss=dict(type='simhand_mm.PoseAwareLoss', temperature=0.5, sigma=0.1, alpha=0.5)))
