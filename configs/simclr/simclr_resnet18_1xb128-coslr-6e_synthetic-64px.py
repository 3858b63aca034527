_base_ = [
    '../_base_/models/contrastive_resnet18-64px.py',
    '../_base_/datasets/synthetic_pairs.py',
    '../_base_/schedules/pretraining_coslr-6e.py',
    '../_base_/runtimes/pretraining_cpu_runtime.py',
]

# Scale and colour only (Sec. 4.1), so there is nothing to undo.
model = dict(
    data_preprocessor=dict(augmentation=dict(rotation_deg=None, translation=None)),
    head=dict(invert_rotation=False, invert_translation=False))
