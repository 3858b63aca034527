# The weakly supervised baseline of Table 6 at the size of tools/quickstart.sh.
_base_ = './detnet_resnet18_1xb16-30e_synthetic-64px.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            _base_.train_dataloader.dataset,
            # As many hands with estimated 2D keypoints, which train the heatmaps only, as labelled hands.
            dict(
                type='simhand_mm.PseudoLabelDataset',
                data_root='{{$SIMHAND_DATA:data}}',
                pool='pool',
                indices=300,
                pipeline=_base_.train_pipeline),
        ]))
