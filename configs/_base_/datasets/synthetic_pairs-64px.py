# The pool that tools/quickstart.sh makes of synthetic videos.
train_dataloader = dict(
    batch_size=128,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='simhand_mm.VideoBalancedSampler'),
    dataset=dict(
        type='simhand_mm.HandPairDataset',
        data_root='{{$SIMHAND_DATA:data}}',
        pool='pool',
        pairs=None,
        reduce=2))  # 224 px crops at half size are enough for 64 px
