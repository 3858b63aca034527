_base_ = './peclr_resnet50_8xb1024-coslr-100e_ego4d-1m.py'

train_dataloader = dict(dataset=dict(pool='pools/ego4d-100k'))

# From ImageNet weights, as in the released code. simhand import-backbone writes the file.
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$SIMHAND_DATA:data}}/weights/resnet50_imagenet.pth',
            prefix='backbone.')))
