_base_ = './simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py'

train_dataloader = dict(
    # Not in paper: both sources are drawn equally often; positives are of the same source (released code).
    sampler=dict(balance_sources=True),
    dataset=dict(pool=['pools/ego4d-1m', 'pools/100doh-1m']))
