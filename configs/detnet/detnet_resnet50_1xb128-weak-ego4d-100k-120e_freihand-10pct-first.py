# Table 6, weakly supervised with Ego-100K, FreiHAND*.
_base_ = './detnet_resnet50_1xb128-120e_freihand-10pct-first.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            _base_.train_dataloader.dataset,
            # The pool of pre-training, with estimated 2D keypoints, which train the heatmaps only.
            dict(
                type='simhand_mm.PseudoLabelDataset',
                data_root='{{$SIMHAND_DATA:data}}',
                pool='pools/ego4d-100k',
                pipeline=_base_.train_pipeline),
        ]))
