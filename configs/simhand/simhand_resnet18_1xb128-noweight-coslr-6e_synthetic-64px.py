_base_ = './simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py'

model = dict(head=dict(loss=dict(weighting='none')))
