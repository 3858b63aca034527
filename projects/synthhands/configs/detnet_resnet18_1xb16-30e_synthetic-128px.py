# The fine-tuning of SynthHands with the full width of ResNet-18 and twice the resolution, for a GPU.
_base_ = '../../../configs/detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py'

codec = dict(type='simhand_mm.DetNetCodec', input_size=(128, 128), heatmap_size=(32, 32))
model = dict(
    backbone=dict(stem_channels=64, base_channels=64),
    head=dict(
        in_channels=512, deconv_channels=(256, 256, 256), head_channels=256, decoder=codec))

train_pipeline = _base_.train_pipeline
train_pipeline[1].input_size = codec['input_size']
train_pipeline[3].encoder = codec
test_pipeline = _base_.test_pipeline
test_pipeline[1].input_size = codec['input_size']
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
