_base_ = [
    '../_base_/models/contrastive_resnet18-64px.py',
    '../_base_/datasets/synthetic_pairs.py',
    '../_base_/schedules/pretraining_coslr-6e.py',
    '../_base_/runtimes/pretraining_cpu_runtime.py',
]

train_dataloader = dict(dataset=dict(pairs='similar', rank=1))
# Not in paper: the weights reward a constant projection, to which small runs from random weights collapse
# (docs/synthhands.md). Projections that are centred over the batch cannot collapse to it.
model = dict(neck=dict(with_last_bn=True), head=dict(loss=dict(w_pos=dict(type='linear'), w_neg=dict(type='linear'))))
