# Short runs on CPUs: no SyncBN (it needs GPUs), one checkpoint per epoch, no TensorBoard.
_base_ = './pretraining_runtime.py'

default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
sync_bn = None
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
