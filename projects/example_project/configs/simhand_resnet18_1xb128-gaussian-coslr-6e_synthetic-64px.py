_base_ = 'simhand_mm::simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py'

custom_imports = dict(imports=['simhand_mm.pretraining', 'projects.example_project'])

gaussian = dict(type='gaussian_weighting', width=1.0)
model = dict(head=dict(loss=dict(w_pos=gaussian, w_neg=gaussian)))
train_dataloader = dict(dataset=dict(pairs='mutual'))
