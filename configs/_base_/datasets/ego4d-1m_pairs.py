# One million hands of Ego4D (Ego-1M), each paired with itself. The hand pool is written by
# `simhand prepare` or `simhand import-hand100m`. Other pools: train_dataloader.dataset.pool=pools/NAME.
train_dataloader = dict(
    batch_size=1024,
    num_workers=4,  # not in paper: 9,500 images per second, and 10 GB of /dev/shm for 8 processes
    prefetch_factor=1,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    collate_fn=dict(type='simhand_mm.pretraining.collate_pairs'),
    sampler=dict(type='simhand_mm.VideoBalancedSampler'),
    dataset=dict(
        type='simhand_mm.HandPairDataset',
        data_root='{{$SIMHAND_DATA:data}}',
        pool='pools/ego4d-1m',
        pairs=None,
        split='train',
        held_out=0.005))  # not in paper: fraction of the videos, which are used for monitoring only
