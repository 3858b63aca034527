_base_ = [
    '../_base_/models/contrastive_resnet50.py',
    '../_base_/datasets/ego4d-1m_pairs.py',
    '../_base_/schedules/pretraining_larsadam-coslr-100e.py',
    '../_base_/runtimes/pretraining_runtime.py',
]

# Scale and colour only (Sec. 4.1), so there is nothing to undo.
model = dict(
    data_preprocessor=dict(augmentation=dict(rotation_deg=None, translation=None)),
    head=dict(invert_rotation=False, invert_translation=False))
