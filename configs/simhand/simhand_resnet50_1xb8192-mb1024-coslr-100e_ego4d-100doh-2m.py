_base_ = './simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py'

train_dataloader = dict(
    batch_size=8192,
    # Not in paper: both sources are drawn equally often; positives are of the same source (released code).
    sampler=dict(balance_sources=True),
    dataset=dict(pool=['pools/ego4d-1m', 'pools/100doh-1m']))
# The global batch of 8 GPUs on one GPU: 1024 pairs are encoded at a time, the loss covers all 8192.
model = dict(micro_batch_size=1024)
