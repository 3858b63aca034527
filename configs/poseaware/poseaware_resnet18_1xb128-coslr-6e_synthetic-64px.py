_base_ = [
    '../_base_/models/contrastive_resnet18-64px.py',
    '../_base_/datasets/synthetic_pairs.py',
    '../_base_/schedules/pretraining_coslr-6e.py',
    '../_base_/runtimes/pretraining_cpu_runtime.py',
]

train_dataloader = dict(dataset=dict(pairs='similar', rank=1))
model = dict(
    head=dict(
        loss=dict(type='simhand_mm.PoseAwareLoss', temperature=0.5, sigma=0.1, alpha=0.5)))
