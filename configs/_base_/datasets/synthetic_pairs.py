# The pool that tools/quickstart.sh makes of synthetic videos, each hand its own positive.
train_dataloader = dict(
    batch_size=128,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    collate_fn=dict(type='simhand_mm.pretraining.collate_pairs'),
    sampler=dict(type='simhand_mm.VideoBalancedSampler'),
    dataset=dict(
        type='simhand_mm.HandPairDataset',
        data_root='{{$SIMHAND_DATA:data}}',
        pool='pool',
        pairs=None,
        reduce=2))  # crops of 224 px at half their size are enough for inputs of 64 px
