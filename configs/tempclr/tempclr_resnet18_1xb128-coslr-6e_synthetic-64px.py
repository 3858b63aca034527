_base_ = '../peclr/peclr_resnet18_1xb128-coslr-6e_synthetic-64px.py'

train_dataloader = dict(dataset=dict(pairs='temporal'))
