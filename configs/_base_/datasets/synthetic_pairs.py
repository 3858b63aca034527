# The pool that tools/quickstart.sh prepares from synthetic videos, each hand paired with itself.
train_dataloader = dict(
    batch_size=128,
    num_workers=0,  # reading crops that are kept is a copy: a worker would cost more than it saves
    drop_last=True,
    collate_fn=dict(type='simhand_mm.pretraining.collate_pairs'),
    sampler=dict(type='simhand_mm.VideoBalancedSampler'),
    dataset=dict(
        type='simhand_mm.HandPairDataset',
        data_root='{{$SIMHAND_DATA:data}}',
        pool='pool',
        pairs=None,
        reduce=2,  # 224 px crops decoded at half size suffice for 64 px inputs
        cache_gb=1.0))  # decodes each crop once per run, of pools of up to 26,000 hands
