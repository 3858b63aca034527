_base_ = '../peclr/peclr_resnet18_1xb128-coslr-6e_synthetic-64px.py'

train_dataloader = dict(dataset=dict(pairs='similar', rank=1))
model = dict(head=dict(loss=dict(weighting='both')))
