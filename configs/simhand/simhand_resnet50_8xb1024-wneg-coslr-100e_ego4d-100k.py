_base_ = './simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py'

train_dataloader = dict(dataset=dict(pool='pools/ego4d-100k'))
model = dict(head=dict(loss=dict(w_pos=None)))
