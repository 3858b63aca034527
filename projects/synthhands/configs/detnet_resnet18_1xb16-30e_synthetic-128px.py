# The fine-tuning of SynthHands with the full width of ResNet-18 and twice the resolution, for a GPU.
_base_ = [
    '../../../configs/_base_/models/detnet_resnet50.py',
    '../../../configs/_base_/datasets/synthetic_pose-64px.py',
    '../../../configs/_base_/schedules/detnet_30e.py',
    '../../../configs/_base_/runtimes/pose_runtime.py',
]

codec = dict(type='simhand_mm.DetNetCodec', input_size=(128, 128), heatmap_size=(32, 32))
model = dict(backbone=dict(depth=18), head=dict(in_channels=512, decoder=codec))

train_pipeline = _base_.train_pipeline
train_pipeline[1].input_size = codec['input_size']
train_pipeline[3].encoder = codec
test_pipeline = _base_.test_pipeline
test_pipeline[1].input_size = codec['input_size']
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
