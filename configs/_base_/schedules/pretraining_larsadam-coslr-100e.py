# LARS around Adam; warm-up and cosine decay per iteration (Sec. 4.1; from the released code where marked).
max_epochs = 100  # not in paper: from the released README
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
optim_wrapper = dict(
    type='OptimWrapper',  # simhand_mm.BFloat16OptimWrapper with --amp
    optimizer=dict(
        type='simhand_mm.LARSAdam',
        lr=3.2e-3,
        weight_decay=1e-6,  # not in paper: released code
        trust_coefficient=0.02),  # not in paper: released code
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0))
param_scheduler = [
    # Not in paper: 10 epochs of warm-up, from the released code.
    dict(type='LinearLR', start_factor=1e-4, by_epoch=True, end=10, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs - 10,
        begin=10,
        by_epoch=True,
        convert_to_iter_based=True),
]
# Global batch size in pairs for which the learning rate is set; see --auto-scale-lr.
auto_scale_lr = dict(enable=False, base_batch_size=8192)
