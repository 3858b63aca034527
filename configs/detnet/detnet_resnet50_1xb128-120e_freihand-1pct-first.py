# The first 1 % of the 130,236 pictures of the released code: green screen only.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

train_dataloader = dict(dataset=dict(subset_size=1302, subset_rule='first'))
