_base_ = './simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py'

train_dataloader = dict(dataset=dict(pool='pools/100doh-1m'))
