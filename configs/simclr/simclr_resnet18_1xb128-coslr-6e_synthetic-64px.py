_base_ = '../peclr/peclr_resnet18_1xb128-coslr-6e_synthetic-64px.py'

# Scale and colour only (Sec. 4.1), nothing to undo.
model = dict(
    data_preprocessor=dict(augmentation=dict(rotation_deg=None, translation=None)),
    head=dict(invert_rotation=False, invert_translation=False))
