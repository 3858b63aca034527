# FreiHAND* of the paper: the first 10 % of the released list, which are all green-screen images.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

train_dataloader = dict(dataset=dict(subset_size=13023, subset_rule='first'))
